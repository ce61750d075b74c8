import { describe, expect, it } from 'vitest';
import { experimentSchema } from '#distill/experiment.js';
import { ConfigInvalidError } from '#runtime/errors.js';
import { planOf } from './plan.js';

function experiment(training: Record<string, number>) {
  return experimentSchema.parse({
    name: 'plan',
    dataset: 'procedural',
    student: { network: 'resnet8' },
    loss: {},
    training: { epochs: 5, batchSize: 4, ...training },
  });
}

describe('planOf', () => {
  it('leaves out the samples that do not fill a batch', () => {
    const plan = planOf(experiment({}), 11);
    expect(plan.stepsPerEpoch).toBe(2);
    expect(plan.totalSteps).toBe(10);
    expect([0, 1, 2, 9].map(plan.epochOf)).toEqual([1, 1, 2, 5]);
    expect([0, 1, 2].map(plan.rangeOf)).toEqual([
      [0, 4],
      [4, 8],
      [0, 4],
    ]);
    expect([0, 1, 2, 3].map(plan.endsEpoch)).toEqual([
      false,
      true,
      false,
      true,
    ]);
  });

  it('evaluates and checkpoints at its intervals and after the last epoch', () => {
    const plan = planOf(
      experiment({ evaluateEvery: 2, checkpointEvery: 3 }),
      8,
    );
    const epochs = [1, 2, 3, 4, 5];
    expect(epochs.filter(plan.evaluatesAfter)).toEqual([2, 4, 5]);
    expect(epochs.filter(plan.checkpointsAfter)).toEqual([3, 5]);
  });

  it('refuses a batch larger than the data set', () => {
    expect(() => planOf(experiment({ batchSize: 12 }), 11)).toThrow(
      ConfigInvalidError,
    );
  });
});
