import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImageShape } from '#distill/data/dataset.js';
import type { Network } from '#distill/models/network.js';
import type { NamedHostTensors } from '#distill/tensors.js';
import { writeCheckpoint } from '#runtime/checkpoint/index.js';

/** A models folder with one model, named as its network, until disposed. */
export async function teacherFolder(
  network: Network,
  weights: NamedHostTensors,
  imageShape: ImageShape,
): Promise<AsyncDisposable & { readonly modelsDir: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'rrd-bench-'));
  const modelsDir = join(folder, 'models');
  await writeCheckpoint(join(modelsDir, network.name), {
    tensors: weights,
    manifest: {
      ...{ kind: 'model', network: network.name, dataset: 'bench' },
      ...{ classCount: network.classCount, imageShape: [...imageShape] },
      normalization: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
    },
  });
  return {
    modelsDir,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
