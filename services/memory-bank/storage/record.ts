import { crc32 } from 'node:zlib';
import { z } from 'zod';
import {
  bytesPerValue,
  type Precision,
  storedRows,
  type StoredRows,
} from '#distill/precision.js';
import { CorruptFileError } from '#runtime/errors.js';

/**
 * A log is a list of records, each `length, crc32, header length` (uint32,
 * little endian), a JSON header and raw rows as the queue holds them. The sum covers all that
 * follows it; `length` counts header and rows.
 */

/** Where the rows belong, in a memory of all samples. */
const slots = z
  .array(z.number().int().nonnegative())
  .readonly()
  .exactOptional();

/** A batch in the order in which the bank took it. */
const batchSchema = z.strictObject({
  kind: z.literal('batch'),
  runId: z.string(),
  step: z.number().int().nonnegative(),
  rank: z.number().int().nonnegative(),
  traceparent: z.string(),
  slots,
});

/** A commit that is part of the rows already, for readers who lack it. */
const commitSchema = z.strictObject({
  kind: z.literal('commit'),
  version: z.number().int().positive(),
  runId: z.string(),
  step: z.number().int().nonnegative(),
  traceparent: z.string(),
  slots,
});

/** A run joined a shared queue, or went on in it under a higher epoch. */
const joinSchema = z.strictObject({
  kind: z.literal('join'),
  runId: z.string(),
  epoch: z.number().int().nonnegative(),
  nextStep: z.number().int().nonnegative(),
});

/** A run left a shared queue. */
const leaveSchema = z.strictObject({
  kind: z.literal('leave'),
  runId: z.string(),
});

const headerSchema = z.discriminatedUnion('kind', [
  batchSchema,
  commitSchema,
  joinSchema,
  leaveSchema,
]);

interface Rows {
  /** [n, featDim] */
  readonly rows: StoredRows;
}
export type BatchRecord = z.infer<typeof batchSchema> & Rows;
export type CommitRecord = z.infer<typeof commitSchema> & Rows;
export type MemberRecord = z.infer<typeof joinSchema | typeof leaveSchema>;
export type LogRecord = BatchRecord | CommitRecord | MemberRecord;

const prefixBytes = 12;
const noRows: StoredRows = new Float32Array();

/** The bytes of a record, its rows not copied. */
export function encodeRecord(record: LogRecord): Uint8Array[] {
  const { rows, ...header } = { rows: noRows, ...record };
  const json = Buffer.from(JSON.stringify(header));
  const body = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
  const head = Buffer.alloc(prefixBytes + json.length);
  head.writeUInt32LE(json.length + body.length, 0);
  head.writeUInt32LE(json.length, 8);
  json.copy(head, prefixBytes);
  const headSum = crc32(head.subarray(8));
  // zlib starts anew when it is given no bytes at all.
  const sum = body.length > 0 ? crc32(body, headSum) : headSum;
  head.writeUInt32LE(sum, 4);
  return [head, body];
}

export interface DecodedLog {
  readonly records: LogRecord[];
  /** Where the last whole record ends. */
  readonly wholeBytes: number;
}

/**
 * The records of a log. A record that was cut off by a crash can only be the
 * last one: it is left out. Damage anywhere else is no crash.
 * @throws CorruptFileError
 */
export function decodeLog(
  bytes: Buffer,
  path: string,
  precision: Precision,
): DecodedLog {
  const records: LogRecord[] = [];
  let at = 0;
  while (at < bytes.length) {
    const end = endOf(bytes, at);
    const record =
      end <= bytes.length && decodeRecord(bytes.subarray(at, end), precision);
    if (!record) {
      if (end >= bytes.length || isBlank(bytes, at)) break;
      const problem = `the record at byte ${at} does not match its checksum`;
      throw new CorruptFileError({ path, problem });
    }
    records.push(record);
    at = end;
  }
  return { records, wholeBytes: at };
}

/** Infinity where not even a prefix is there. */
function endOf(bytes: Buffer, at: number): number {
  if (at + prefixBytes > bytes.length) return Infinity;
  return at + prefixBytes + bytes.readUInt32LE(at);
}

/** File systems may lengthen a file before its bytes are there. */
function isBlank(bytes: Buffer, from: number): boolean {
  return bytes.subarray(from).every((byte) => byte === 0);
}

function decodeRecord(
  bytes: Buffer,
  precision: Precision,
): LogRecord | undefined {
  if (crc32(bytes.subarray(8)) !== bytes.readUInt32LE(4)) return undefined;
  const bodyAt = prefixBytes + bytes.readUInt32LE(8);
  const bodyBytes = bytes.length - bodyAt;
  const length = bodyBytes / bytesPerValue(precision);
  if (!(length >= 0 && Number.isInteger(length))) return undefined;
  const json = bytes.toString('utf8', prefixBytes, bodyAt);
  const header = headerSchema.safeParse(JSON.parse(json));
  if (!header.success) return undefined;
  const { kind } = header.data;
  if (kind === 'join' || kind === 'leave')
    return length === 0 ? header.data : undefined;
  const rows = storedRows(precision, length); // aligned, and its own
  new Uint8Array(rows.buffer).set(bytes.subarray(bodyAt));
  return { ...header.data, rows };
}
