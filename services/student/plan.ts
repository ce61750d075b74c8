import type { Experiment } from '#distill/experiment.js';
import { ConfigInvalidError } from '#runtime/errors.js';

/**
 * Which step belongs to which epoch, and what follows it. Steps count from 0,
 * epochs from 1. The samples left over when the batch does not divide the data
 * set sit out that epoch (another few in each, since the order is new).
 */
export interface Plan {
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
  epochOf(step: number): number;
  /** Positions in the epoch's order that `step` takes: [start, end). */
  rangeOf(step: number): readonly [start: number, end: number];
  endsEpoch(step: number): boolean;
  evaluatesAfter(epoch: number): boolean;
  checkpointsAfter(epoch: number): boolean;
}

/** @throws ConfigInvalidError if the data set does not fill one batch */
export function planOf(experiment: Experiment, trainSize: number): Plan {
  const { epochs, batchSize, evaluateEvery, checkpointEvery } =
    experiment.training;
  const stepsPerEpoch = Math.floor(trainSize / batchSize);
  if (stepsPerEpoch === 0) throw tooLarge(batchSize, trainSize);
  const every = (interval: number) => (epoch: number) =>
    epoch === epochs || epoch % interval === 0;
  return {
    stepsPerEpoch,
    totalSteps: epochs * stepsPerEpoch,
    epochOf: (step) => Math.floor(step / stepsPerEpoch) + 1,
    rangeOf: (step) => {
      const start = (step % stepsPerEpoch) * batchSize;
      return [start, start + batchSize];
    },
    endsEpoch: (step) => (step + 1) % stepsPerEpoch === 0,
    evaluatesAfter: every(evaluateEvery),
    checkpointsAfter: every(checkpointEvery),
  };
}

function tooLarge(batchSize: number, trainSize: number) {
  return new ConfigInvalidError({
    source: 'experiment',
    line: 0,
    field: 'training.batchSize',
    value: batchSize,
    expected: `at most the ${trainSize} training images of the data set`,
  });
}
