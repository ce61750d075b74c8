import { expect, it } from 'vitest';
import { normalize } from './normalize.js';

it('normalizes each channel with its own mean and deviation', () => {
  const normalization = { mean: [0.5, 0], std: [0.25, 2] };
  const pixels = Uint8Array.of(255, 255, 0, 51);
  const values = normalize(pixels, normalization);
  [2, 0.5, -2, 0.1].forEach((expected, i) => {
    expect(values[i]).toBeCloseTo(expected, 6);
  });
});
