import { describe, expect, it } from 'vitest';
import { rngFrom } from './rng.js';

function draw(count: number, next: () => number): number[] {
  return Array.from({ length: count }, next);
}

function moments(values: readonly number[]): {
  mean: number;
  variance: number;
} {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, variance: squares / values.length };
}

describe('rngFrom', () => {
  it('is a pure function of its key', () => {
    const first = rngFrom(7, 'view', 3, 12);
    const second = rngFrom(7, 'view', 3, 12);
    rngFrom(1).uniform();
    expect(draw(9, () => first.uniform())).toEqual(
      draw(9, () => second.uniform()),
    );
  });

  it('separates keys by value, order, kind and grouping', () => {
    const keys: (number | string)[][] = [
      [],
      [0],
      [1],
      [-1],
      [0, 0],
      [1, 2],
      [2, 1],
      ['1'],
      ['a', 'b'],
      ['ab'],
      ['ba'],
      ['', 'ab'],
      [2 ** 32],
      [2 ** 32 + 1],
      [2 ** 52],
    ];
    const firsts = new Set(keys.map((key) => rngFrom(...key).uniform()));
    expect(firsts.size).toBe(keys.length);
  });

  it('keeps its numbers for ever: data order and queues depend on them', () => {
    const rng = rngFrom(1, 'fixed');
    expect(draw(3, () => rng.integer(1_000_000))).toMatchInlineSnapshot(`
      [
        201214,
        539892,
        886738,
      ]
    `);
  });

  it('draws uniform, normal and integer values with the right moments', () => {
    const rng = rngFrom(11);
    const uniform = moments(draw(20_000, () => rng.uniform()));
    expect(uniform.mean).toBeCloseTo(0.5, 2);
    expect(uniform.variance).toBeCloseTo(1 / 12, 2);
    const normal = moments(draw(20_000, () => rng.normal()));
    expect(normal.mean).toBeCloseTo(0, 1);
    expect(normal.variance).toBeCloseTo(1, 1);
    const counts = new Array<number>(5).fill(0);
    for (const value of draw(5000, () => rng.integer(5))) counts[value]! += 1;
    for (const count of counts)
      expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  it('refuses key parts that are not safe integers', () => {
    expect(() => rngFrom(0.5)).toThrow(RangeError);
    expect(() => rngFrom(NaN)).toThrow(RangeError);
  });
});
