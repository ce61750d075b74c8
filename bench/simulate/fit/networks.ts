import { createNetwork } from '#distill/models/index.js';
import type { Experiment } from '#distill/experiment.js';
import { createRankPrograms } from '#distill/rank-programs.js';
import { type NamedSpecs, sizeOf } from '#distill/tensors.js';
import { openDatasets } from '#runtime/data/index.js';
import { precompute } from '../../../cli/precompute.js';
import type { ProcessCluster } from '../../../test/processes.js';
import { cpuMsOf, timedRun } from '../../scale/timed-run.js';
import {
  batchSize,
  type ScalePlace,
  scaleExperiment,
} from '../../scale/world.js';
import type { Parameters } from '../parameters.js';

/** The images as they are: nobody else's views, and the same in all epochs. */
const variant = { dataSeed: 0, still: true };

/** Processor time of a batch that the teacher computes, and of one it knows. */
export async function fitTeacher(
  cluster: ProcessCluster,
  { world, engine }: ScalePlace,
): Promise<{ batchMs: number; knownBatchMs: number }> {
  const [teacher] = cluster.all('teacher');
  const experiment = scaleExperiment(engine, variant);
  const pass = async () => {
    let first: Promise<{ cpuMs: number; images: number }> | undefined;
    const used = async (images: number) => {
      return { cpuMs: await cpuMsOf(teacher!.pid), images };
    };
    const { images } = await precompute(experiment, {
      ...{ teacher: teacher!.address, datasets: world.datasets },
      tls: undefined,
      signal: new AbortController().signal,
      // The first batch loads the model.
      onBatch: ({ images }) => void (first ??= used(images)),
    });
    const [from, to] = [await first!, await used(images)];
    const cpuMs = to.cpuMs - from.cpuMs;
    return (batchSize * cpuMs) / (to.images - from.images);
  };
  return { batchMs: await pass(), knownBatchMs: await pass() };
}

/**
 * Processor time of a student whose teacher knows all answers: of a whole step,
 * and of the two halves, from 2 and 4 ranks on one worker.
 */
export async function fitStudent(
  cluster: ProcessCluster,
  { world, engine }: ScalePlace,
): Promise<Omit<Parameters['student'], 'threads'>> {
  const step = async (ranks: number) => {
    const own = { ...variant, ranks, workers: 1 };
    const run = [scaleExperiment(engine, own), `fit-${ranks}`] as const;
    const times = await timedRun(cluster, world.runsDir, ...run);
    return times.cpuMsOf.student;
  };
  const [stepMs, two, four] = [await step(1), await step(2), await step(4)];
  const gradientsMs = (four - two) / 2;
  return {
    ...{ stepMs, gradientsMs, applyMs: Math.max(0, two - 2 * gradientsMs) },
    ...(await sizesOf(world.datasets, scaleExperiment(engine, variant))),
  };
}

async function sizesOf(
  datasets: Readonly<Record<string, string>>,
  experiment: Experiment,
) {
  const dataset = await openDatasets(datasets).get(experiment.dataset);
  const classCount = dataset.classNames.length;
  const network = createNetwork(experiment.student.network, classCount);
  const { trainable, buffers } = createRankPrograms({
    ...{ network, experiment, imageShape: dataset.imageShape },
    ...{ teacherFeatureDim: network.featureDim, teacherMaps: [] },
    sampleCount: dataset.split('train').size,
  });
  return {
    vectorMebibytes: mebibytesOf(trainable),
    buffersMebibytes: mebibytesOf(buffers),
  };
}

function mebibytesOf(specs: NamedSpecs): number {
  const sizes = Object.values(specs).map(({ shape }) => 4 * sizeOf(shape));
  return sizes.reduce((sum, bytes) => sum + bytes, 0) / 2 ** 20;
}
