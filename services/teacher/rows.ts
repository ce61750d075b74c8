import { sizeOf, type HostTensor } from '#distill/tensors.js';

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
