import { describe, expect, it } from 'vitest';
import { rngFrom } from './data/rng.js';
import { embed, projectionFor } from './projection.js';

function randomFeatures(count: number, width: number) {
  const rng = rngFrom(9, 'features');
  const data = Float32Array.from({ length: count * width }, () => rng.normal());
  return { shape: [count, width], data };
}

describe('projectionFor', () => {
  it('is seeded, in torch layout, within 1 / sqrt(in)', () => {
    const projection = projectionFor(3, 16, 4);
    expect(projection).toEqual(projectionFor(3, 16, 4));
    expect(projection.weight.shape).toEqual([4, 16]);
    expect(projection.bias.shape).toEqual([4]);
    const largest = Math.max(...projection.weight.data.map(Math.abs));
    expect(largest).toBeLessThanOrEqual(0.25);
    expect(largest).toBeGreaterThan(0.2);
  });
});

describe('embed', () => {
  it('projects and normalises', () => {
    const weight = { shape: [2, 2], data: Float32Array.of(1, 0, 0, 2) };
    const bias = { shape: [2], data: Float32Array.of(0, 2) };
    const features = { shape: [1, 2], data: Float32Array.of(3, 1) };
    const { shape, data } = embed(features, { weight, bias });
    expect(shape).toEqual([1, 2]);
    expect(data[0]).toBeCloseTo(0.6, 6); // (3, 4) / 5
    expect(data[1]).toBeCloseTo(0.8, 6);
  });

  it('gives a row the same bytes in any batch', () => {
    const projection = projectionFor(0, 24, 8);
    const features = randomFeatures(7, 24);
    const together = embed(features, projection);
    for (let row = 0; row < 7; row++) {
      const data = features.data.slice(24 * row, 24 * row + 24);
      const alone = embed({ shape: [1, 24], data }, projection);
      expect(alone.data).toEqual(together.data.slice(8 * row, 8 * row + 8));
    }
  });

  it('stays finite on a zero vector', () => {
    const zero = {
      weight: { shape: [2, 2], data: new Float32Array(4) },
      bias: { shape: [2], data: new Float32Array(2) },
    };
    const { data } = embed(
      { shape: [1, 2], data: Float32Array.of(1, 1) },
      zero,
    );
    expect([...data]).toEqual([0, 0]);
  });

  it('refuses features of another width', () => {
    const projection = projectionFor(0, 4, 2);
    expect(() => embed(randomFeatures(1, 5), projection)).toThrow(RangeError);
  });
});
