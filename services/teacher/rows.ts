import { sizeOf, type HostTensor } from '#distill/tensors.js';
import type { Extracted } from './extractor.js';

/** Rows `start` ... `start + count - 1` of [N, ...], copied. */
export function rowsOf(
  { shape, data }: HostTensor,
  start: number,
  count: number,
): HostTensor {
  const rowShape = shape.slice(1);
  const width = sizeOf(rowShape);
  const rows = data.slice(start * width, (start + count) * width);
  return { shape: [count, ...rowShape], data: rows };
}

/** All rows of float32 tensors that differ in N only. */
export function joinRows(parts: readonly HostTensor[]): HostTensor {
  const [first] = parts;
  if (!first) throw new RangeError('nothing to join');
  if (parts.length === 1) return first;
  const count = parts.reduce((sum, { shape }) => sum + shape[0]!, 0);
  const shape = [count, ...first.shape.slice(1)];
  const data = new Float32Array(sizeOf(shape));
  let position = 0;
  for (const part of parts) {
    data.set(part.data, position);
    position += part.data.length;
  }
  return { shape, data };
}

/** Rows `start` ... `start + count - 1` of everything, copied. */
export function extractedRows(
  extracted: Extracted,
  start: number,
  count: number,
): Extracted {
  return ofEach(extracted, (name) => rowsOf(extracted[name]!, start, count));
}

/** All rows of parts that have the same tensors. */
export function joinExtracted(parts: readonly Extracted[]): Extracted {
  const [first] = parts;
  if (!first) throw new RangeError('nothing to join');
  return ofEach(first, (name) => joinRows(parts.map((part) => part[name]!)));
}

/** All tensors, in their order. */
export function tensorsOf(extracted: Extracted): HostTensor[] {
  return namesOf(extracted).map((name) => extracted[name]!);
}

/** Tensors made for each name that `like` has. */
function ofEach(
  like: Extracted,
  make: (name: keyof Extracted) => HostTensor,
): Extracted {
  const entries = namesOf(like).map((name) => [name, make(name)]);
  return Object.fromEntries(entries) as Extracted;
}

function namesOf(extracted: Extracted): (keyof Extracted)[] {
  return Object.keys(extracted) as (keyof Extracted)[];
}

/** float32 [N, ...rowShape] with zeros behind up to `count` rows. */
export function padRows(
  data: Float32Array,
  rowShape: readonly number[],
  count: number,
): HostTensor {
  const shape = [count, ...rowShape];
  if (data.length === sizeOf(shape)) return { shape, data };
  const padded = new Float32Array(sizeOf(shape));
  padded.set(data);
  return { shape, data: padded };
}
