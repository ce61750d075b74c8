import type { Experiment } from '#distill/experiment.js';
import type { NamedHostTensors } from '#distill/tensors.js';
import type { Engine } from '#runtime/compute/engine.js';
import { openDatasets } from '#runtime/data/index.js';
import { trainInOneProcess } from '../../test/one-process.js';
import type { World } from '../../test/world.js';
import type { StepTimes } from './timed-run.js';

/** Fewer than those of a run: a loop has no stretch in which it is filled. */
const steps = 7;

/** @param taught what the teacher has said so far, by step */
export async function timedLoop(
  { datasets, teacher }: World,
  engine: Engine,
  experiment: Experiment,
  taught: Map<number, NamedHostTensors>,
): Promise<Pick<StepTimes, 'ms' | 'cpuMs' | 'losses'>> {
  const dataset = await openDatasets(datasets).get(experiment.dataset);
  const { losses, imagesPerSecond, cpuMs } = await trainInOneProcess({
    ...{ experiment, engine, dataset, teacher, taught, steps },
  });
  const images = experiment.ranks * experiment.training.batchSize;
  return { losses, ms: (1000 * images) / imagesPerSecond, cpuMs };
}
