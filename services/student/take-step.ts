import { inSpan } from '#runtime/rpc/trace.js';
import type { Collective } from './group/collective.js';
import type { ReadyStep } from './step-feed.js';
import type {
  RankInputs,
  StepMeasurements,
  TrainerApi,
} from './trainer-api.js';

/** Where a step is computed. */
export interface StepPlace {
  readonly thread: Pick<TrainerApi, 'step' | 'gradients' | 'apply'>;
  /** Bounds a call of the thread in time. */
  readonly compute: <T>(work: Promise<T>) => Promise<T>;
}

/**
 * One training step: whole where the run has one rank, else in halves. What
 * a rank has computed is on its way while the next one computes.
 */
export async function takeStep(
  place: StepPlace,
  worldSize: number,
  collective: Collective,
  { ranks, trace }: ReadyStep,
): Promise<StepMeasurements> {
  let failure: unknown;
  try {
    return await inSpan('rrd.student.compute', trace.context, () =>
      worldSize === 1
        ? place.compute(place.thread.step(ranks[0]!))
        : inHalves(place, collective, ranks),
    );
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    trace.end(failure);
  }
}

/** @param ranks inputs of those that are computed here; at least one */
async function inHalves(
  { thread, compute }: StepPlace,
  collective: Collective,
  ranks: readonly RankInputs[],
): Promise<StepMeasurements> {
  const { step } = ranks[0]!;
  for (const inputs of ranks) {
    const result = await compute(thread.gradients(inputs));
    collective.contribute(step, inputs.rank, result);
  }
  const { mean, elsewhere } = await collective.mean(step);
  return compute(thread.apply({ step, mean, elsewhere }));
}
