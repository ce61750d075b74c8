import { describe, expect, it } from 'vitest';
import { rngFrom } from '../data/rng.js';
import { correlationDifference, logitCorrelation } from './correlation.js';
import { tsne } from './tsne.js';

describe('logitCorrelation', () => {
  it('averages standardised logits by true class', () => {
    // Rows (1, 2, 3) and (10, 20, 30) standardise to (-1, 0, 1).
    const logits = [1, 2, 3, 10, 20, 30, 3, 2, 1, 5, 5, 5];
    const matrix = logitCorrelation(logits, [0, 0, 2, 2], 3);
    expect([...matrix]).toEqual([-1, 0, 1, 0, 0, 0, 0.5, 0, -0.5]);
  });

  it('differs by class pairs, not on the diagonal', () => {
    const a = Float64Array.of(1, 2, 3, 4);
    const b = Float64Array.of(0, 5, 3, 0);
    expect([...correlationDifference(a, b, 2)]).toEqual([0, 3, 0, 0]);
  });
});

describe('tsne', () => {
  /** 3 heaps of 20 points in 5 dimensions. */
  const points = Float64Array.from({ length: 300 }, (_, i) => {
    const heap = Math.floor(i / 100);
    const rng = rngFrom(0, 'heaps', i);
    return (i % 5 === heap ? 20 : 0) + rng.normal();
  });
  const options = { perplexity: 10, iterations: 500, seed: 1 };

  it('keeps neighbours together and heaps apart', async () => {
    const place = await tsne(points, 60, options);
    let right = 0;
    for (let i = 0; i < 60; i++) {
      let [nearest, least] = [-1, Infinity];
      for (let j = 0; j < 60; j++) {
        const d = Math.hypot(
          place[2 * i]! - place[2 * j]!,
          place[2 * i + 1]! - place[2 * j + 1]!,
        );
        if (j !== i && d < least) [nearest, least] = [j, d];
      }
      if (Math.floor(i / 20) === Math.floor(nearest / 20)) right += 1;
    }
    expect(right).toBe(60);
    expect(await tsne(points, 60, options)).toEqual(place);
  });

  it('can be stopped', async () => {
    const stopping = tsne(points, 60, options, (iteration) => {
      if (iteration === 3) throw new Error('enough');
    });
    await expect(stopping).rejects.toThrow('enough');
  });
});
