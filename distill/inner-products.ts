import type { HostTensor } from './tensors.js';

/**
 * Inner products of all rows with each other. Sums run over the columns in
 * order in doubles and round to float32 once, as those of `embed`.
 *
 * @param rows float32 [N, width]
 * @returns float32 [N, N], symmetric
 */
export function innerProducts({ shape, data }: HostTensor): HostTensor {
  const [count, width] = shape as [number, number];
  const products = new Float32Array(count * count);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = 0; k < width; k++) {
        sum += data[i * width + k]! * data[j * width + k]!;
      }
      products[i * count + j] = sum;
      products[j * count + i] = sum;
    }
  }
  return { shape: [count, count], data: products };
}
