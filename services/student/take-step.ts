import { context } from '@opentelemetry/api';
import { inSpan } from '#runtime/rpc/trace.js';
import type { Collective } from './group/collective.js';
import type { ReadyStep } from './step-feed.js';
import type { StepMeasurements, TrainerApi } from './trainer-api.js';

/** Where a step is computed. */
export interface StepPlace {
  readonly thread: Pick<
    TrainerApi,
    'step' | 'gradients' | 'apply' | 'remember'
  >;
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
  ready: ReadyStep,
): Promise<StepMeasurements> {
  const { trace, memories } = ready;
  let failure: unknown;
  try {
    return await inSpan('rrd.student.compute', trace.context, async () => {
      const measured = await (worldSize === 1
        ? whole(place, ready)
        : inHalves(place, collective, ready));
      if (memories) {
        const moved = await memories.moved();
        await place.compute(place.thread.remember(moved));
      }
      return measured;
    });
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    trace.end(failure);
  }
}

async function whole(
  { thread, compute }: StepPlace,
  { ranks: [inputs], memories }: ReadyStep,
): Promise<StepMeasurements> {
  const { measured, remembered } = await compute(thread.step(inputs!));
  if (remembered) await memories?.enqueue(inputs!.rank, remembered);
  return measured;
}

async function inHalves(
  { thread, compute }: StepPlace,
  collective: Collective,
  { ranks, memories }: ReadyStep,
): Promise<StepMeasurements> {
  const { step } = ranks[0]!;
  for (const inputs of ranks) {
    const { remembered, ...result } = await traced('gradients', () =>
      compute(thread.gradients(inputs)),
    );
    // First, so that with the last gradient the last embeddings are in too.
    if (remembered) await memories?.enqueue(inputs.rank, remembered);
    collective.contribute(step, inputs.rank, result);
  }
  const { mean, elsewhere } = await traced('all_reduce', () =>
    collective.mean(step),
  );
  return traced('apply', () =>
    compute(thread.apply({ step, mean, elsewhere })),
  );
}

/** A part of the step, as its trace shows it. */
function traced<T>(part: string, work: () => Promise<T>): Promise<T> {
  return inSpan(`rrd.student.${part}`, context.active(), work);
}
