import type { ImageShape } from './dataset.js';

/**
 * float32 [N, H, W, C] as [N, C, H, W].
 * @param shape [H, W, C]
 */
export function channelsFirst(
  images: Float32Array,
  [height, width, channels]: ImageShape,
): Float32Array {
  return transposed(images, height * width, channels);
}

/**
 * float32 [N, C, H, W] as [N, H, W, C].
 * @param shape [H, W, C]
 */
export function channelsLast(
  images: Float32Array,
  [height, width, channels]: ImageShape,
): Float32Array {
  return transposed(images, channels, height * width);
}

/** [N, rows, columns] as [N, columns, rows]. */
function transposed(
  values: Float32Array,
  rows: number,
  columns: number,
): Float32Array {
  const size = rows * columns;
  const result = new Float32Array(values.length);
  for (let start = 0; start < values.length; start += size) {
    for (let column = 0; column < columns; column++) {
      const to = start + column * rows;
      for (let row = 0; row < rows; row++)
        result[to + row] = values[start + row * columns + column]!;
    }
  }
  return result;
}
