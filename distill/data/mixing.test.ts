import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ImageShape } from './dataset.js';
import { cutmix, mixup, partners } from './mixing.js';
import { rngFrom } from './rng.js';

const imageShape: ImageShape = [6, 5, 3];
const size = 6 * 5 * 3;

/** Image i has the pixel values i, everywhere. */
function flatImages(count: number): Uint8Array {
  return Uint8Array.from({ length: count * size }, (_, i) =>
    Math.floor(i / size),
  );
}

const counts = fc.integer({ min: 2, max: 9 });
const seeds = fc.nat();

describe('partners', () => {
  it('are a permutation in which nobody is their own', () => {
    fc.assert(
      fc.property(counts, seeds, (count, seed) => {
        const order = [...partners(count, rngFrom(seed))];
        expect(new Set(order).size).toBe(count);
        order.forEach((partner, i) => expect(partner).not.toBe(i));
      }),
    );
  });

  it('leave a single image alone', () => {
    expect([...partners(1, rngFrom(0))]).toEqual([0]);
  });
});

describe('cutmix', () => {
  it('puts the same box of one partner into each image', () => {
    fc.assert(
      fc.property(counts, seeds, (count, seed) => {
        const data = flatImages(count);
        const mixed = cutmix({ data, imageShape }, rngFrom(seed));
        const boxes = new Set<string>();
        for (let image = 0; image < count; image++) {
          const own = mixed.subarray(image * size, (image + 1) * size);
          const foreign = [...own].filter((value) => value !== image);
          expect(new Set(foreign).size).toBeLessThanOrEqual(1);
          boxes.add([...own].map((v) => Number(v !== image)).join(''));
        }
        expect(boxes.size).toBe(1);
      }),
    );
  });

  it('has the share of the area that it draws, on average', () => {
    const large = [32, 32, 1] as const;
    const data = new Uint8Array(2 * 32 * 32).fill(1, 32 * 32);
    const shares = Array.from({ length: 2000 }, (_, seed) => {
      const mixed = cutmix({ data, imageShape: large }, rngFrom(seed));
      return mixed.subarray(0, 32 * 32).reduce((sum, v) => sum + v) / 32 ** 2;
    });
    const mean = shares.reduce((sum, share) => sum + share) / shares.length;
    // Half of it, less what lies beyond the border and what is no whole pixel.
    expect(mean).toBeGreaterThan(0.25);
    expect(mean).toBeLessThan(0.4);
    expect(Math.max(...shares)).toBeGreaterThan(0.9);
  });
});

describe('mixup', () => {
  it('is the weighted mean of image and partner, with one weight', () => {
    fc.assert(
      fc.property(counts, seeds, (count, seed) => {
        const data = flatImages(count).map((v) => v * 25);
        const mixed = mixup({ data, imageShape }, rngFrom(seed));
        const rng = rngFrom(seed);
        const lambda = rng.uniform();
        const others = partners(count, rng);
        others.forEach((other, image) => {
          const exact = lambda * image * 25 + (1 - lambda) * other * 25;
          const own = mixed.subarray(image * size, (image + 1) * size);
          for (const value of own)
            expect(Math.abs(value - exact)).toBeLessThanOrEqual(0.5);
        });
      }),
    );
  });
});
