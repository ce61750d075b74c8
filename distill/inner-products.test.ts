import { expect, it } from 'vitest';
import { innerProducts } from './inner-products.js';

it('innerProducts of three rows', () => {
  const data = Float32Array.of(1, 2, 0, -1, 3, 0.5);
  expect(innerProducts({ shape: [3, 2], data })).toEqual({
    shape: [3, 3],
    data: Float32Array.of(5, -2, 4, -2, 1, -0.5, 4, -0.5, 9.25),
  });
});
