import type { PreparedRun } from './prepare.js';
import type { RankInputs, StepMeasurements } from './trainer-api.js';

/**
 * One training step: whole where the run has one rank, else in halves. What
 * a rank has computed is on its way while the next one computes.
 * @param ranks inputs of those that are computed here; at least one
 */
export async function takeStep(
  run: Pick<PreparedRun, 'order' | 'thread' | 'compute' | 'collective'>,
  ranks: readonly RankInputs[],
): Promise<StepMeasurements> {
  const { order, thread, compute, collective } = run;
  const { step } = ranks[0]!;
  if (order.experiment.ranks === 1) return compute(thread.step(ranks[0]!));
  for (const inputs of ranks) {
    const result = await compute(thread.gradients(inputs));
    collective.contribute(step, inputs.rank, result);
  }
  const { mean, elsewhere } = await collective.mean(step);
  return compute(thread.apply({ step, mean, elsewhere }));
}
