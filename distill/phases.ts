import {
  type Experiment,
  hasStage,
  isOver,
  type WeightedTerm,
  weightedTerms,
} from './experiment.js';
import type { MethodName } from './methods/index.js';
import { learningRateAt } from './schedule.js';

/** Epochs with one loss: the stage of a method, or the run itself. */
export interface Phase {
  /** The method whose stage it is; undefined: the run itself. */
  readonly stage?: MethodName;
  readonly loss: Experiment['loss'];
  readonly epochs: number;
  /** @param epoch of the phase, from 1 */
  readonly learningRateAt: (epoch: number) => number;
}

type Phased = Pick<Experiment, 'loss'> & {
  readonly training: Pick<
    Experiment['training'],
    'epochs' | 'learningRate' | 'milestones' | 'decay'
  >;
};

/** The stages of the terms, in the terms' order, and then the run. */
export function phasesOf({ loss, training }: Phased): readonly Phase[] {
  const terms = weightedTerms({ loss });
  const run = {
    loss: withoutTerms(loss, terms.filter(isOver)),
    epochs: training.epochs,
    learningRateAt: (epoch: number) => learningRateAt(epoch, training),
  };
  return [...terms.filter(hasStage).map(stageOf), run];

  function stageOf({ name, method, params }: WeightedTerm): Phase {
    const rate = method.stage!.learningRate(params) ?? training.learningRate;
    return {
      stage: name,
      // Its own loss, whatever the term's weight in the run.
      loss: { crossEntropy: 0, [name]: { ...params, weight: 1 } },
      epochs: method.stage!.epochs(params),
      learningRateAt: () => rate,
    };
  }
}

function withoutTerms(
  loss: Experiment['loss'],
  terms: readonly WeightedTerm[],
): Experiment['loss'] {
  const names = new Set<string>(terms.map(({ name }) => name));
  const kept = Object.entries(loss).filter(([name]) => !names.has(name));
  return Object.fromEntries(kept) as Experiment['loss'];
}
