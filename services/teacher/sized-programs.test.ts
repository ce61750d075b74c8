import { describe, expect, it } from 'vitest';
import type { HostTensor } from '#distill/tensors.js';
import { EngineUnavailableError } from '#runtime/errors.js';
import { probeCount, SizedPrograms, type Forward } from './sized-programs.js';

/** An image is one number x; its feature is 2x and its logit 3x. */
const imageShape = [1, 1, 1];
const probes = Float32Array.from({ length: probeCount }, (_, i) => i + 0.25);

type Run = Forward['run'];

const exact: Run = async ({ shape, data }) => {
  const outputs = (factor: number): HostTensor => ({
    shape: [shape[0]!, 1],
    data: Float32Array.from(data, (value) => factor * value),
  });
  return { features: outputs(2), logits: outputs(3) };
};

/** An engine that computes in ways of its own, depending on the batch size. */
function create(
  runOf: (size: number) => Run,
  maxBatchSize = 128,
  ran: number[] = [],
  disposed: number[] = [],
) {
  return SizedPrograms.create({
    compile: async (size) => ({
      async run(images) {
        expect(images.shape).toEqual([size, ...imageShape]);
        ran.push(size);
        return runOf(size)(images);
      },
      dispose: () => disposed.push(size),
    }),
    imageShape,
    probes,
    maxBatchSize,
    engine: 'test',
  });
}

/** A wrong last bit in the first logit of every batch. */
const careless: Run = async (images) => {
  const { features, logits } = await exact(images);
  logits.data[0] = logits.data[0]! + 2 ** -20;
  return { features, logits };
};

const imagesOf = (count: number) =>
  Float32Array.from({ length: count }, (_, i) => i + 1);

describe('SizedPrograms', () => {
  it.each([1, 5, 8, 64, 65, 128, 300])('runs %i samples', async (count) => {
    const programs = await create(() => exact);
    const { features, logits } = await programs.run(imagesOf(count));
    expect(features.shape).toEqual([count, 1]);
    expect(features.data).toEqual(imagesOf(count).map((x) => 2 * x));
    expect(logits.data).toEqual(imagesOf(count).map((x) => 3 * x));
  });

  it('runs the sizes that pad least', async () => {
    const ran: number[] = [];
    const programs = await create(() => exact, 200, ran);
    expect(programs.sizes).toEqual([1, 4, 8, 16, 32, 64, 128, 192, 200]);
    const sizesOf = async (count: number) => {
      await programs.run(imagesOf(count));
      ran.length = 0; // what was compiled was tried
      await programs.run(imagesOf(count));
      return [...ran];
    };
    expect(await sizesOf(1)).toEqual([1]);
    expect(await sizesOf(9)).toEqual([8, 1]);
    expect(await sizesOf(36)).toEqual([32, 4]);
    expect(await sizesOf(62)).toEqual([64]);
    expect(await sizesOf(150)).toEqual([128, 16, 8]);
    expect(await sizesOf(200)).toEqual([200]);
  });

  it('stays within small limits', async () => {
    expect((await create(() => exact, 1)).sizes).toEqual([1]);
    expect((await create(() => exact, 20)).sizes).toEqual([1, 4, 8, 16, 20]);
  });

  it('leaves out sizes that give other bits', async () => {
    const ran: number[] = [];
    const disposed: number[] = [];
    const runOf = (size: number) =>
      size === 8 || size === 128 ? careless : exact;
    const programs = await create(runOf, 128, ran, disposed);
    for (const count of [7, 126]) {
      const { logits } = await programs.run(imagesOf(count));
      expect(logits.data).toEqual(imagesOf(count).map((x) => 3 * x));
    }
    // The batches of its probe, then the size that did the work.
    const small = [8, 8, 4, 4, 4, 4, 4];
    expect(ran.slice(2)).toEqual([...small, 128, 128, 64, 64]);
    expect(disposed).toEqual([8, 128]);
  });

  it('takes a smaller size where rows depend on their place', async () => {
    const ran: number[] = [];
    const runOf = (size: number) => (size > 4 ? careless : exact);
    const programs = await create(runOf, 128, ran);
    expect(ran).toEqual([64, 64, 16, 16, 4, 4, 4]);
    const { logits } = await programs.run(imagesOf(70));
    expect(logits.data).toEqual(imagesOf(70).map((x) => 3 * x));
  });

  it('takes images one by one where rows depend on their mates', async () => {
    const mixing: Run = async (images) => {
      const { features, logits } = await exact(images);
      const own = images.data as Float32Array;
      const sum = own.reduce((a, b) => a + b);
      features.data.forEach((_, i) => (features.data[i]! += sum - own[i]!));
      return { features, logits };
    };
    const ran: number[] = [];
    const programs = await create(() => mixing, 128, ran);
    ran.length = 0;
    const { features } = await programs.run(imagesOf(3));
    expect(features.data).toEqual(imagesOf(3).map((x) => 2 * x));
    expect(ran.slice(-3)).toEqual([1, 1, 1]);
  });

  it('refuses an engine that does not repeat itself', async () => {
    let calls = 0;
    const moody: Run = async (images) => {
      const { features, logits } = await exact(images);
      logits.data[0]! += ++calls * 2 ** -10;
      return { features, logits };
    };
    await expect(create(() => moody)).rejects.toBeInstanceOf(
      EngineUnavailableError,
    );
  });
});
