import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Precision, StoredRows } from '#distill/precision.js';
import { CorruptFileError } from '#runtime/errors.js';
import { decodeLog, encodeRecord, type LogRecord } from './record.js';

const step = fc.nat(1000);
const text = fc.string({ maxLength: 9, unit: 'grapheme' });
const recordOf = (rows: fc.Arbitrary<StoredRows>): fc.Arbitrary<LogRecord> =>
  fc.oneof(
    fc.record({
      kind: fc.constant('batch' as const),
      ...{ runId: text, step, rank: step, traceparent: text, rows },
    }),
    fc.record({
      kind: fc.constant('commit' as const),
      version: fc.integer({ min: 1, max: 99 }),
      ...{ runId: text, step, traceparent: text, rows },
    }),
  );
const rowsOf = {
  float32: fc.float32Array({ noNaN: true, maxLength: 9 }),
  float16: fc.uint16Array({ maxLength: 9 }),
} satisfies Partial<Record<Precision, fc.Arbitrary<StoredRows>>>;

const bytesOf = (records: readonly LogRecord[]) =>
  Buffer.concat(records.flatMap(encodeRecord));

describe.each(['float32', 'float16'] as const)(
  '%s records of a log',
  (precision) => {
    const record = recordOf(rowsOf[precision]);
    const log = fc.array(record, { minLength: 1, maxLength: 5 });
    const read = (bytes: Buffer) => decodeLog(bytes, 'log', precision);

    it('are read as they were written', () => {
      fc.assert(
        fc.property(log, (records) => {
          const bytes = bytesOf(records);
          const decoded = read(bytes);
          expect(decoded.wholeBytes).toBe(bytes.length);
          expect(decoded.records).toEqual(records);
        }),
      );
    });

    it('are those in front of a cut, wherever it is', () => {
      fc.assert(
        fc.property(log, fc.nat(), fc.boolean(), (records, at, blank) => {
          const bytes = bytesOf(records);
          const cut = at % bytes.length;
          // Some file systems leave zeros where bytes never arrived.
          const torn = blank
            ? Buffer.concat([bytes.subarray(0, cut), Buffer.alloc(40)])
            : bytes.subarray(0, cut);
          if (blank && cut > 0 && !wholeAt(records, cut)) return;
          const decoded = read(torn);
          expect(records.slice(0, decoded.records.length)).toEqual(
            decoded.records,
          );
          expect(bytesOf(decoded.records).length).toBe(decoded.wholeBytes);
          expect(decoded.wholeBytes).toBeLessThanOrEqual(cut);
        }),
      );
    });

    it('with a flipped bit are refused, or left out where a crash explains it', () => {
      fc.assert(
        fc.property(log, fc.nat(), fc.nat(7), (records, at, bit) => {
          const bytes = bytesOf(records);
          bytes[at % bytes.length]! ^= 1 << bit;
          let decoded: LogRecord[];
          try {
            ({ records: decoded } = read(bytes));
          } catch (error) {
            expect(error).toBeInstanceOf(CorruptFileError);
            return;
          }
          expect(decoded.length).toBeLessThan(records.length);
          expect(records.slice(0, decoded.length)).toEqual(decoded);
        }),
      );
    });
  },
);

function wholeAt(records: readonly LogRecord[], cut: number): boolean {
  return records.some(
    (_, i) => bytesOf(records.slice(0, i + 1)).length === cut,
  );
}
