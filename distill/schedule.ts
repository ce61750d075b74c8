/** The part of an experiment's training that the schedule reads. */
export interface StepSchedule {
  readonly learningRate: number;
  /** Epochs after which the rate drops. */
  readonly milestones: readonly number[];
  readonly decay: number;
}

/**
 * The learning rate of `epoch`, counted from 1: multiplied by `decay` for each
 * milestone with epoch > milestone, so milestone 150 acts from epoch 151 on.
 */
export function learningRateAt(epoch: number, schedule: StepSchedule): number {
  const drops = schedule.milestones.filter((m) => epoch > m).length;
  return schedule.learningRate * schedule.decay ** drops;
}
