import { createWriteStream } from 'node:fs';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import sharp from 'sharp';
import { pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { shardOrder } from '#distill/data/shard-order.js';
import { createProceduralDataset } from '#distill/data/procedural.js';
import { createEngine } from '#runtime/compute/index.js';
import { openDatasets } from '#runtime/data/index.js';
import { lossesOf, runToEnd, startCluster } from '../cluster.js';
import { testEngine } from '../engine.js';
import { trainInOneProcess } from '../one-process.js';
import { makeWorld, tinyExperiment, type World } from '../world.js';

/**
 * Photographs of many sizes (JPEGs made of the procedural pictures), in
 * ImageNet's folders and in tar shards, through all services.
 */

const classCount = 4;

/** A world that also has `photos` and `shards`, cut to 8 x 8. */
async function makePhotoWorld(): Promise<World> {
  const world = await makeWorld();
  const root = join(dirname(world.modelsDir), 'photos');
  const pictures = createProceduralDataset({
    ...{ seed: 0, trainSize: 48, testSize: 8 },
  });
  for (const split of ['train', 'test'] as const) {
    const pictured = pictures.split(split);
    for (let i = 0; i < pictured.size; i++) {
      const synset = `n${i % classCount}`;
      const name = `${split === 'train' ? 'train' : 'val'}/${synset}/${i}.JPEG`;
      await mkdir(dirname(join(root, name)), { recursive: true });
      const raw = { width: 32, height: 32, channels: 3 } as const;
      const [width, height] = [40 + 5 * (i % 7), 40 + 3 * (i % 5)];
      await sharp(await pictured.images([i]), { raw })
        .resize(width, height, { fit: 'fill' })
        .jpeg({ quality: 90 })
        .toFile(join(root, name));
    }
  }
  await writeShards(root);
  const datasets = {
    ...world.datasets,
    photos: `imagenet:${root}?size=8`,
    shards: `tar:${root}?size=8`,
  };
  return { ...world, datasets };
}

async function writeShards(root: string): Promise<void> {
  for (const [shard, split, part] of [
    ['train-0', 'train', 0],
    ['train-1', 'train', 1],
    ['val-0', 'val', 0],
  ] as const) {
    const packed = pack();
    for (let label = 0; label < classCount; label++) {
      const folder = join(root, split, `n${label}`);
      const files = (await readdir(folder)).sort();
      for (const [i, file] of files.entries()) {
        if (split === 'train' && i % 2 !== part) continue;
        const key = `${label}-${i}`;
        packed.entry(
          { name: `${key}.jpg` },
          await readFile(join(folder, file)),
        );
        packed.entry({ name: `${key}.cls` }, String(label));
      }
    }
    packed.finalize();
    await pipeline(packed, createWriteStream(join(root, `${shard}.tar`)));
  }
}

const training = { augmentation: 'random-resized-crop' };

describe('photographs of many sizes', () => {
  it('train over the services as in one process', async () => {
    await using world = await makePhotoWorld();
    await using cluster = await startCluster(world);
    const experiment = tinyExperiment({
      ...{ dataset: 'photos', training, teacher: undefined },
      loss: { crossEntropy: 1, kd: undefined, rrd: undefined },
    });
    await runToEnd(cluster.orchestratorAddress, experiment, 'alone');
    const engine = await createEngine(testEngine);
    const dataset = await openDatasets(world.datasets).get('photos');
    const options = { experiment, engine, dataset, steps: 12 };
    const { losses } = await trainInOneProcess(options);
    expect(await lossesOf(world.runsDir, 'alone')).toEqual(losses);
  }, 120_000);

  it.each(['photos', 'shards'])(
    'are seen alike by teacher and student (%s)',
    async (dataset) => {
      await using world = await makePhotoWorld();
      const experiment = tinyExperiment({ dataset, training });
      const runs: number[][] = [];
      // The second teacher holds no data: it is sent the student's pixels.
      for (const datasets of [world.datasets, {}]) {
        const runId = `run-${runs.length}`;
        await using cluster = await startCluster(world, {
          settings: { teacher: { datasets } },
        });
        await runToEnd(cluster.orchestratorAddress, experiment, runId);
        runs.push([...(await lossesOf(world.runsDir, runId))]);
      }
      expect(runs[0]!.length).toBe(12);
      expect(runs[1]).toEqual(runs[0]);
    },
    120_000,
  );

  it('of one size are refused for crops before anything of them is run', async () => {
    await using world = await makePhotoWorld();
    await using cluster = await startCluster(world);
    const experiment = tinyExperiment({ training });
    await expect(
      runToEnd(cluster.orchestratorAddress, experiment, 'refused'),
    ).rejects.toMatchObject({
      reason: 'INVALID_REQUEST',
      metadata: {
        field: 'augmentation',
        value: 'random-resized-crop of tiny',
      },
    });
    const begun = await readdir(world.runsDir).catch(() => []);
    expect(begun).not.toContain('refused');
  }, 60_000);

  it('that no longer read are refused by name', async () => {
    await using world = await makePhotoWorld();
    const dataset = await openDatasets(world.datasets).get('shards');
    const order = shardOrder(7, 1, dataset.shardSizes!);
    const shard = join(dirname(world.modelsDir), 'photos', 'train-0.tar');
    await writeFile(shard, 'x');
    const train = dataset.split('train');
    await expect(train.images([...order])).rejects.toMatchObject({
      metadata: { path: shard },
    });
  });
});
