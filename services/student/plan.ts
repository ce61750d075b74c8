import { epochOrder } from '#distill/data/order.js';
import { shardOrder } from '#distill/data/shard-order.js';
import {
  dataSeedOf,
  type Experiment,
  needsOf,
  weightsAt,
} from '#distill/experiment.js';
import { type Phase, phasesOf } from '#distill/phases.js';
import { viewName, viewsOf } from '#distill/views.js';
import { ConfigInvalidError } from '#runtime/errors.js';
import type { ViewSettings } from './batches.js';
import type { BatchRef } from './trainer-api.js';

/**
 * Which samples a step takes, which phase and epoch it belongs to, and what
 * follows it. Steps count from 0, epochs from 1, both through the stages before
 * the run and the run itself. The samples left over when the batch does
 * not divide the data set sit out that epoch (others in each: the order is
 * new).
 */
export interface Plan {
  /** Samples of a step: those of all ranks. */
  readonly batchSize: number;
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
  /** Stages of methods, then the run. */
  readonly phases: readonly Phase[];
  /** An index of `phases`. */
  readonly phaseOf: (step: number) => number;
  readonly epochOf: (step: number) => number;
  readonly learningRateOf: (step: number) => number;
  /** Of the terms that count in the step's phase. */
  readonly weightsOf: (step: number) => Readonly<Record<string, number>>;
  /** The samples of all ranks, rank 0's first. */
  readonly batchOf: (step: number) => BatchRef;
  /** Those of one rank. */
  readonly rankBatchOf: (step: number, rank: number) => BatchRef;
  /** Its further views that the step's phase reads, by their names. */
  readonly rankViewsOf: (
    step: number,
    rank: number,
  ) => Readonly<Record<string, BatchRef>>;
  readonly endsEpoch: (step: number) => boolean;
  readonly evaluatesAfter: (epoch: number) => boolean;
  /** After that step, and after the epoch that it may end. */
  readonly checkpointsAt: (step: number) => boolean;
}

/** What a plan must know of a data set. */
export interface TrainSplit {
  readonly trainSize: number;
  /** If the split lies in shards: it is then read shard by shard. */
  readonly shardSizes?: readonly number[] | undefined;
}

export function viewSettingsOf({ training }: Experiment): ViewSettings {
  const { augmentation } = training;
  return { seed: dataSeedOf(training), augmentation };
}

/** @throws ConfigInvalidError if the data set does not fill one batch */
export function planOf(
  experiment: Experiment,
  { trainSize, shardSizes }: TrainSplit,
): Plan {
  const { ranks, training } = experiment;
  const { evaluateEvery, checkpointEvery } = training;
  const { checkpointEverySteps = Infinity } = training;
  const batchSize = ranks * training.batchSize;
  const stepsPerEpoch = Math.floor(trainSize / batchSize);
  if (stepsPerEpoch === 0) throw tooLarge(ranks, training.batchSize, trainSize);
  const epochOf = (step: number) => Math.floor(step / stepsPerEpoch) + 1;
  const phases = phasesOf(experiment);
  const epochs = phases.reduce((sum, phase) => sum + phase.epochs, 0);
  const stageEpochs = epochs - training.epochs;
  const placeOf = (step: number) => placeIn(phases, epochOf(step));
  const seed = dataSeedOf(training);
  const orderOf = newest(2, (epoch: number) =>
    shardSizes
      ? shardOrder(seed, epoch, shardSizes)
      : epochOrder(seed, epoch, trainSize),
  );
  const endsEpoch = (step: number) => (step + 1) % stepsPerEpoch === 0;
  const every = (interval: number) => (epoch: number) =>
    epoch === epochs || epoch % interval === 0;
  const batchOf = (step: number): BatchRef => {
    const epoch = epochOf(step);
    const start = (step % stepsPerEpoch) * batchSize;
    const indices = orderOf(epoch).subarray(start, start + batchSize);
    const augmented = training.augmentation !== 'none';
    return {
      split: 'train',
      indices: [...indices],
      epoch: augmented ? epoch : undefined,
    };
  };
  const rankBatchOf = (step: number, rank: number): BatchRef => {
    const { indices, ...batch } = batchOf(step);
    const start = rank * training.batchSize;
    const own = indices.slice(start, start + training.batchSize);
    return { ...batch, indices: own };
  };
  const viewsIn = phases.map(({ loss }) =>
    (needsOf({ loss }).views ?? []).flatMap(viewsOf),
  );
  return {
    batchSize,
    stepsPerEpoch,
    totalSteps: epochs * stepsPerEpoch,
    phases,
    phaseOf: (step) => placeOf(step).phase,
    epochOf,
    learningRateOf(step) {
      const { phase, epoch } = placeOf(step);
      return phases[phase]!.learningRateAt(epoch);
    },
    weightsOf(step) {
      const { phase, epoch } = placeOf(step);
      return weightsAt(phases[phase]!.loss, epoch);
    },
    batchOf,
    rankBatchOf,
    rankViewsOf(step, rank) {
      const batch = rankBatchOf(step, rank);
      const epoch = epochOf(step);
      const views = viewsIn[placeOf(step).phase]!.map((view) => {
        return [
          viewName(view),
          { ...batch, view: { ...view, epoch } },
        ] as const;
      });
      return Object.fromEntries(views);
    },
    endsEpoch,
    // Within a stage the student has not learnt the classes yet.
    evaluatesAfter: (epoch) =>
      epoch > stageEpochs &&
      (epoch === epochs || (epoch - stageEpochs) % evaluateEvery === 0),
    checkpointsAt: (step) =>
      (step + 1) % checkpointEverySteps === 0 ||
      (endsEpoch(step) && every(checkpointEvery)(epochOf(step))),
  };
}

/** The phase of an epoch, and which of its epochs it is, from 1. */
function placeIn(phases: readonly Phase[], epoch: number) {
  let first = 1;
  for (const [phase, { epochs }] of phases.entries()) {
    if (epoch < first + epochs || phase === phases.length - 1)
      return { phase, epoch: epoch - first + 1 };
    first += epochs;
  }
  throw new Error('a plan has a phase');
}

/** Remembers the last `count` new results: prefetching looks ahead. */
function newest<T>(count: number, make: (key: number) => T) {
  const known = new Map<number, T>();
  return (key: number): T => {
    const value = known.get(key) ?? make(key);
    known.set(key, value);
    const [oldest] = known.keys();
    if (known.size > count && oldest !== undefined) known.delete(oldest);
    return value;
  };
}

function tooLarge(ranks: number, batchSize: number, trainSize: number) {
  return new ConfigInvalidError({
    source: 'experiment',
    line: 0,
    field: 'training.batchSize',
    value: batchSize,
    expected: `at most ${Math.floor(trainSize / ranks)}, the data set's ${trainSize} training images over ${ranks} ranks`,
  });
}
