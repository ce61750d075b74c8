import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rngFrom } from '#distill/data/rng.js';
import { InvalidRequestError } from '#runtime/errors.js';
import { readCheckpoint, writeCheckpoint } from '#runtime/checkpoint/index.js';
import { modelManifestSchema } from '#runtime/checkpoint/manifest.js';
import { writeFigure } from '../../cli/plots/figure.js';
import { plotCorrelation, plotTsne } from '../../cli/plots/plot.js';
import { transfer, type TransferOptions } from '../../cli/transfer.js';
import { testEngine } from '../engine.js';
import { makeWorld, type World } from '../world.js';

/** The commands behind `rrd transfer` and `rrd plot`, on the tiny world. */

let world: World;
let teacher: string;

beforeAll(async () => {
  world = await makeWorld();
  teacher = join(world.modelsDir, 'teacher');
});

afterAll(() => world[Symbol.asyncDispose]());

const { signal } = new AbortController();
const plotted = () => ({
  datasets: world.datasets,
  dataset: undefined,
  engine: testEngine,
  signal,
});

describe('a linear probe', () => {
  const options = (changes: Partial<TransferOptions> = {}) => ({
    datasets: world.datasets,
    dataset: 'tiny',
    engine: testEngine,
    epochs: 120,
    seed: 1,
    augment: false,
    signal,
    onEpoch: () => {},
    ...changes,
  });

  it('reads classes off features that nobody trained for them', async () => {
    const losses: number[] = [];
    const onEpoch = (_: number, loss: number) => losses.push(loss);
    const result = await transfer(teacher, options({ onEpoch }));
    // Four classes that differ in brightness: 25 % is chance.
    expect(result.accuracy).toBeGreaterThanOrEqual(0.5);
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
    expect(await transfer(teacher, options())).toEqual(result);
  }, 60_000);

  it('sees other views in every epoch, unless told not to', async () => {
    const result = await transfer(
      teacher,
      options({ augment: true, epochs: 2 }),
    );
    expect(result).toMatchObject({ network: 'resnet8', total: 12, epochs: 2 });
  }, 60_000);

  it('is for images of the size that the network knows', async () => {
    const datasets = { tiny: `${world.datasets['tiny']}?size=16` };
    await expect(
      transfer(teacher, options({ datasets })),
    ).rejects.toBeInstanceOf(InvalidRequestError);
  }, 60_000);
});

describe('figures', () => {
  it('compare a student with its teacher', async () => {
    const student = join(world.modelsDir, 'student');
    const { manifest } = await readCheckpoint(teacher, modelManifestSchema);
    const tensors = world.teacher.network.init(rngFrom(9, 'other'));
    await writeCheckpoint(student, { tensors, manifest });
    const same = await plotCorrelation(teacher, teacher, plotted());
    expect(same.max).toBe(0);
    const other = await plotCorrelation(student, teacher, plotted());
    expect(other.mean).toBeGreaterThan(0.01);
    const files = await writeFigure(join(world.runsDir, 'fig/a'), other.svg);
    expect(await readFile(files[0]!, 'utf8')).toBe(other.svg);
    const { data } = await sharp(files[1]).raw().toBuffer({
      resolveWithObject: true,
    });
    expect(new Set(data).size).toBeGreaterThan(20);
  }, 60_000);

  it('map logits, one point for each image', async () => {
    const options = { ...plotted(), samples: 10, iterations: 300, seed: 0 };
    const svg = await plotTsne(teacher, options);
    expect(svg.match(/r="3"/g)?.length).toBe(10);
    expect(svg).toContain('class-3');
  }, 60_000);
});
