import { z } from 'zod';
import {
  sizeOf,
  type HostTensor,
  type NamedHostTensors,
} from '#distill/tensors.js';
import { CorruptFileError } from '../errors.js';
import {
  bytesPerElement,
  decodeElements,
  type ElementKind,
} from './elements.js';
import { topLevelKeys } from './json-keys.js';

/**
 * The safetensors format: an 8-byte little-endian header length, a JSON header
 * `{ name: { dtype, shape, data_offsets: [begin, end] } }`, then the bytes of
 * all tensors without a gap. See huggingface.co/docs/safetensors.
 *
 * We write F32 and I32, and read the other kinds of elements.ts as one of the
 * two (torch's counters are I64, for one).
 */

export interface SafetensorsFile {
  readonly tensors: NamedHostTensors;
  readonly metadata: Readonly<Record<string, string>>;
}

const lengthBytes = 8;
/** The limit that the format's own reader has. */
const maxHeaderBytes = 100_000_000;
const kinds = Object.keys(bytesPerElement) as [ElementKind, ...ElementKind[]];

const offset = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const entrySchema = z.strictObject({
  dtype: z.enum(kinds),
  shape: z.array(offset).max(16),
  data_offsets: z.tuple([offset, offset]),
});
const metadataSchema = z.record(z.string(), z.string());

type Entry = z.infer<typeof entrySchema> & { readonly name: string };

/** Tensors as one file's bytes, in the order of their names. */
export function encodeSafetensors(
  tensors: NamedHostTensors,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const named = Object.entries(tensors).sort(([a], [b]) => (a < b ? -1 : 1));
  const header = encodeHeader(named, metadata);
  const dataBytes = named.reduce((sum, [, t]) => sum + t.data.byteLength, 0);
  const file = new Uint8Array(lengthBytes + header.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, lengthBytes);
  let position = lengthBytes + header.length;
  for (const [, { data }] of named) {
    file.set(
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      position,
    );
    position += data.byteLength;
  }
  return file;
}

function encodeHeader(
  tensors: readonly [string, HostTensor][],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  let end = 0;
  const entries = tensors.map(([name, { shape, data }]) => {
    if (data.length !== sizeOf(shape)) {
      throw new RangeError(
        `${name}: ${data.length} values for [${shape.join(', ')}]`,
      );
    }
    const begin = end;
    end += data.byteLength;
    const dtype: ElementKind = data instanceof Float32Array ? 'F32' : 'I32';
    return [name, { dtype, shape, data_offsets: [begin, end] }] as const;
  });
  // `fromEntries` defines own properties, so `__proto__` is a name like others.
  const json = JSON.stringify(
    Object.fromEntries([['__metadata__', metadata], ...entries]),
  );
  // Spaces up to the next multiple of 8 keep the data aligned in the file.
  const bytes = new TextEncoder().encode(json);
  const padded = new Uint8Array(Math.ceil(bytes.length / 8) * 8).fill(0x20);
  padded.set(bytes);
  return padded;
}

/**
 * Reads a file's bytes; the tensors are copies. Throws `CorruptFileError`
 * with `path` for anything that the format does not allow.
 */
export function decodeSafetensors(
  bytes: Uint8Array,
  path: string,
): SafetensorsFile {
  const { entries, metadata, dataStart } = decodeHeader(bytes, path);
  const data = bytes.subarray(dataStart);
  checkCoverage(entries, data.length, path);
  const tensors = entries.map(
    (entry) => [entry.name, decodeTensor(entry, data, path)] as const,
  );
  return { tensors: Object.fromEntries(tensors), metadata };
}

function decodeHeader(bytes: Uint8Array, path: string) {
  const corrupt = (problem: string, cause?: unknown) =>
    new CorruptFileError({ path, problem }, { cause });
  if (bytes.length < lengthBytes)
    throw corrupt('shorter than its length field');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = view.getBigUint64(0, true);
  const limit = Math.min(maxHeaderBytes, bytes.length - lengthBytes);
  if (headerBytes > BigInt(limit)) {
    throw corrupt(`header of ${headerBytes} bytes, at most ${limit} possible`);
  }
  const dataStart = lengthBytes + Number(headerBytes);
  const header = parseHeader(bytes.subarray(lengthBytes, dataStart), corrupt);
  const { __metadata__: metadata = {}, ...rest } = header;
  const entries = Object.entries(rest).map(([name, value]): Entry => {
    const parsed = entrySchema.safeParse(value);
    if (!parsed.success)
      throw corrupt(`bad entry of tensor ${name}`, parsed.error);
    return { name, ...parsed.data };
  });
  const parsed = metadataSchema.safeParse(metadata);
  if (!parsed.success) throw corrupt('bad __metadata__', parsed.error);
  return { entries, metadata: parsed.data, dataStart };
}

function parseHeader(
  bytes: Uint8Array,
  corrupt: (problem: string, cause?: unknown) => CorruptFileError,
): Record<string, unknown> {
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (cause) {
    throw corrupt('header is not JSON', cause);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    throw corrupt('header is not an object');
  }
  const keys = topLevelKeys(text);
  if (new Set(keys).size !== keys.length) throw corrupt('duplicate names');
  return header as Record<string, unknown>;
}

/** Each tensor as long as its shape, all of them together the whole file. */
function checkCoverage(
  entries: readonly Entry[],
  dataBytes: number,
  path: string,
) {
  const corrupt = (problem: string) => new CorruptFileError({ path, problem });
  const byPosition = [...entries].sort(
    (a, b) =>
      a.data_offsets[0] - b.data_offsets[0] ||
      a.data_offsets[1] - b.data_offsets[1],
  );
  let position = 0;
  for (const {
    name,
    dtype,
    shape,
    data_offsets: [begin, end],
  } of byPosition) {
    if (begin !== position) throw corrupt(`gap or overlap before ${name}`);
    if (end - begin !== sizeOf(shape) * bytesPerElement[dtype]) {
      throw corrupt(
        `${name}: ${end - begin} bytes for ${dtype} [${shape.join(', ')}]`,
      );
    }
    position = end;
  }
  if (position !== dataBytes) {
    throw corrupt(`${dataBytes} bytes of data, ${position} expected`);
  }
}

function decodeTensor(
  entry: Entry,
  data: Uint8Array,
  path: string,
): HostTensor {
  const { name, shape, dtype } = entry;
  try {
    const bytes = data.subarray(...entry.data_offsets);
    return { shape, data: decodeElements(bytes, dtype) };
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    const problem = `${name}: ${cause.message}`;
    throw new CorruptFileError({ path, problem }, { cause });
  }
}
