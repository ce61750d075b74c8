import { describe, expect, it } from 'vitest';
import { resizedCropOf } from './resized-crop.js';

const crops = Array.from({ length: 4000 }, (_, index) =>
  resizedCropOf(0, 1, index, 300, 400),
);
const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

describe('resizedCropOf', () => {
  it('is a pure function of seed, epoch and index', () => {
    const key = (seed: number, epoch: number, index: number) =>
      JSON.stringify(resizedCropOf(seed, epoch, index, 300, 400));
    expect(key(3, 1, 5)).toBe(key(3, 1, 5));
    const keys = [key(3, 1, 5), key(4, 1, 5), key(3, 2, 5), key(3, 1, 6)];
    expect(new Set(keys).size).toBe(4);
  });

  it('stays inside the image', () => {
    for (const { top, left, height, width } of crops) {
      expect(Math.min(top, left)).toBeGreaterThanOrEqual(0);
      expect(top + height).toBeLessThanOrEqual(300);
      expect(left + width).toBeLessThanOrEqual(400);
      expect(width / height).toBeGreaterThan(0.7);
      expect(width / height).toBeLessThan(1.4);
    }
  });

  it('draws area evenly and mirrors every other view', () => {
    // Drawn evenly until it fits: of aspect r fit shares up to 3/4 r, whose mean
    // over log-uniform r is 0.432 for an image of 4 : 3.
    const share = mean(crops.map((c) => (c.height * c.width) / 120_000));
    expect(share).toBeGreaterThan(0.42);
    expect(share).toBeLessThan(0.445);
    expect(mean(crops.map((c) => Number(c.flip)))).toBeCloseTo(0.5, 1);
  });

  it.each([
    [1, 1000, { top: 0, left: 499, height: 1, width: 1 }],
    [1000, 1, { top: 499, left: 0, height: 1, width: 1 }],
  ])('falls back on the middle of %i x %i', (height, width, expected) => {
    expect(resizedCropOf(0, 1, 0, height, width)).toMatchObject(expected);
  });
});
