import { describe, expect, it } from 'vitest';
import { createProceduralDataset, proceduralDefaults } from './procedural.js';

const small = { seed: 0, trainSize: 240, testSize: 24 };

describe('createProceduralDataset', () => {
  it('is a pure function of its options', async () => {
    const [a, b] = [
      createProceduralDataset(small),
      createProceduralDataset(small),
    ];
    expect(a.digest).toBe(b.digest);
    const images = await a.split('train').images([5, 0, 5]);
    expect(images).toEqual(await b.split('train').images([5, 0, 5]));
    expect(images.length).toBe(3 * 32 * 32 * 3);
    expect(images.slice(0, 3072)).toEqual(images.slice(6144));
  });

  it('changes its digest with every option', () => {
    const digests = [
      small,
      { ...small, seed: 1 },
      { ...small, trainSize: 241 },
      { ...small, testSize: 25 },
      proceduralDefaults,
    ].map((options) => createProceduralDataset(options).digest);
    expect(new Set(digests).size).toBe(5);
  });

  it('begins with the images of a smaller one', async () => {
    const larger = createProceduralDataset({ ...small, trainSize: 500 });
    const smaller = createProceduralDataset(small);
    expect(await larger.split('train').images([7])).toEqual(
      await smaller.split('train').images([7]),
    );
  });

  it('shares no image between its splits', async () => {
    const dataset = createProceduralDataset(small);
    expect(await dataset.split('train').images([0])).not.toEqual(
      await dataset.split('test').images([0]),
    );
  });

  it('has twelve classes, all of them in use', () => {
    const dataset = createProceduralDataset(small);
    expect(dataset.classNames.length).toBe(12);
    expect(new Set(dataset.classNames).size).toBe(12);
    const train = dataset.split('train');
    const labels = Array.from({ length: train.size }, (_, i) => train.label(i));
    expect(new Set(labels).size).toBe(12);
  });

  it('is normalised to about mean 0 and deviation 1', async () => {
    const dataset = createProceduralDataset(small);
    const { normalization } = dataset;
    const pixels = await dataset.split('train').images([...Array(100).keys()]);
    const values = Array.from(pixels, (value) => value / 255);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const variance =
      values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
    expect(mean).toBeCloseTo(normalization.mean[0]!, 1);
    expect(Math.sqrt(variance)).toBeCloseTo(normalization.std[0]!, 1);
  });

  it('refuses samples that do not exist', async () => {
    const test = createProceduralDataset(small).split('test');
    expect(() => test.label(24)).toThrow(RangeError);
    await expect(test.images([0, -1])).rejects.toThrow(RangeError);
  });
});
