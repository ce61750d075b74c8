import { type Experiment, experimentSchema } from '#distill/experiment.js';
import { chooseEngine } from '#runtime/compute/index.js';
import type { Datasets } from '#runtime/data/index.js';
import {
  DatasetNotFoundError,
  type DomainError,
  EngineUnavailableError,
  GpuMemoryError,
  ModelNotFoundError,
} from '#runtime/errors.js';
import type { StudentConfig } from './config.js';
import { poolLacks } from './teacher-pool.js';

/**
 * What a run needs and this worker does not have: others may. What is no
 * experiment lacks nothing, and fails when it is carried out.
 */
export async function lackOf(
  experiment: unknown,
  config: StudentConfig,
  { definitions }: Pick<Datasets, 'definitions'>,
): Promise<DomainError | undefined> {
  const { data: needs } = experimentSchema.safeParse(experiment);
  if (!needs) return undefined;
  const { dataset, gpuMemoryGiB: neededGiB, teacher } = needs;
  const { gpuMemoryGiB: actualGiB = 0 } = config;
  if (!Object.hasOwn(definitions, dataset))
    return new DatasetNotFoundError({ dataset });
  if (neededGiB > actualGiB)
    return new GpuMemoryError({ neededGiB, actualGiB });
  const lack = await engineLack(needs);
  if (lack || !teacher) return lack;
  const { model } = teacher;
  if (await poolLacks(model, config)) return new ModelNotFoundError({ model });
  return undefined;
}

async function engineLack({
  engine,
}: Experiment): Promise<DomainError | undefined> {
  try {
    if (engine !== 'auto') await chooseEngine(engine);
    return undefined;
  } catch (error) {
    if (error instanceof EngineUnavailableError) return error;
    throw error;
  }
}
