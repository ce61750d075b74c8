import { expect, it } from 'vitest';
import { leastCosine } from '#runtime/compute/deviation.js';
import { createEngine } from '#runtime/compute/index.js';
import { testEngine } from '../../test/engine.js';
import { makeWorld } from '../../test/world.js';
import { NetworkExtractor } from './network-extractor.js';
import { probeImages } from './probe-images.js';
import { probeCount } from './sized-programs.js';

it('a teacher in bfloat16 is another one, that says much the same', async () => {
  await using world = await makeWorld();
  const load = async (precision: 'float32' | 'bfloat16') => {
    const folder = `${world.modelsDir}/teacher`;
    const engine = await createEngine(testEngine);
    return NetworkExtractor.load(folder, engine, 64, precision);
  };
  const [whole, half] = [await load('float32'), await load('bfloat16')];
  expect(half.description.engine).toBe(`${whole.description.engine}, bfloat16`);
  expect(half.description.digest).not.toBe(whole.description.digest);
  const images = probeImages(whole.description.imageShape);
  const [expected, actual] = await Promise.all(
    [whole, half].map(async (teacher) => {
      const { features } = await teacher.extract(images, new Set());
      return features;
    }),
  );
  expect(actual!.data).not.toEqual(expected!.data);
  const [a, b] = [actual!.data, expected!.data] as [Float32Array, Float32Array];
  expect(leastCosine(a, b, probeCount)).toBeGreaterThan(0.999);
}, 60_000);
