import { describe, expect, it } from 'vitest';
import { epochOrder } from '#distill/data/order.js';
import { shardOrder } from '#distill/data/shard-order.js';
import { experimentSchema } from '#distill/experiment.js';
import { ConfigInvalidError } from '#runtime/errors.js';
import { planOf } from './plan.js';

function experiment(training: Record<string, number | string>) {
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
    const plan = planOf(experiment({}), { trainSize: 11 });
    expect(plan.stepsPerEpoch).toBe(2);
    expect(plan.totalSteps).toBe(10);
    expect([0, 1, 2, 9].map(plan.epochOf)).toEqual([1, 1, 2, 5]);
    const [first, second] = [plan.batchOf(0), plan.batchOf(1)];
    const order = [...epochOrder(0, 1, 11)];
    expect([...first.indices, ...second.indices]).toEqual(order.slice(0, 8));
    expect([0, 1, 2, 3].map(plan.endsEpoch)).toEqual([
      false,
      true,
      false,
      true,
    ]);
  });

  it('orders samples by the seed of the data, which is that of the weights if none is given', () => {
    const orderOf = (training: Record<string, number>) =>
      planOf(experiment(training), { trainSize: 8 }).batchOf(0).indices;
    const order = [...epochOrder(3, 1, 8)].slice(0, 4);
    expect(orderOf({ seed: 3 })).toEqual(order);
    expect(orderOf({ seed: 1, dataSeed: 3 })).toEqual(order);
    expect(orderOf({ seed: 3, dataSeed: 1 })).not.toEqual(order);
  });

  it('takes each epoch in its own order, whatever was asked before', () => {
    const plan = planOf(experiment({}), { trainSize: 8 });
    const forth = [0, 2, 4, 6, 8].map((step) => plan.batchOf(step).indices);
    const back = [8, 6, 4, 2, 0].map((step) => plan.batchOf(step).indices);
    expect(back.reverse()).toEqual(forth);
    expect(forth[3]).toEqual([...epochOrder(0, 4, 8)].slice(0, 4));
  });

  it('names the views of an epoch only where images are augmented', () => {
    expect(planOf(experiment({}), { trainSize: 8 }).batchOf(2).epoch).toBe(2);
    const plain = experiment({ augmentation: 'none' });
    expect(planOf(plain, { trainSize: 8 }).batchOf(2).epoch).toBeUndefined();
  });

  it('evaluates and checkpoints at its intervals and after the last epoch', () => {
    const plan = planOf(experiment({ evaluateEvery: 2, checkpointEvery: 3 }), {
      trainSize: 8,
    });
    const epochs = [1, 2, 3, 4, 5];
    expect(epochs.filter(plan.evaluatesAfter)).toEqual([2, 4, 5]);
    // Epochs of two steps: the second ends the first.
    const steps = Array.from({ length: 10 }, (_, step) => step);
    expect(steps.filter(plan.checkpointsAt)).toEqual([5, 9]);
    const often = experiment({ checkpointEverySteps: 4, checkpointEvery: 5 });
    const { checkpointsAt } = planOf(often, { trainSize: 8 });
    expect(steps.filter(checkpointsAt)).toEqual([3, 7, 9]);
  });

  it('takes sharded samples shard by shard', () => {
    const split = { trainSize: 8, shardSizes: [5, 3] };
    const { training } = experiment({});
    const order = shardOrder(training.seed, 1, split.shardSizes);
    const plan = planOf(experiment({}), split);
    expect(plan.batchOf(0).indices).toEqual([...order.slice(0, 4)]);
    expect(plan.batchOf(1).indices).toEqual([...order.slice(4)]);
  });

  it('deals a global batch to the ranks in its order', () => {
    const one = planOf(experiment({ batchSize: 6 }), { trainSize: 26 });
    const two = planOf(
      { ...experiment({ batchSize: 3 }), ranks: 2 },
      { trainSize: 26 },
    );
    expect(two.stepsPerEpoch).toBe(one.stepsPerEpoch);
    expect([one.batchSize, two.batchSize]).toEqual([6, 6]);
    for (const step of [0, 3, 4]) {
      const own = [0, 1].map((rank) => two.rankBatchOf(step, rank));
      expect(own.map(({ indices }) => indices.length)).toEqual([3, 3]);
      expect(own.flatMap(({ indices }) => indices)).toEqual(
        one.batchOf(step).indices,
      );
      expect(two.batchOf(step)).toEqual(one.batchOf(step));
    }
  });

  it('counts all ranks where it refuses a batch', () => {
    const ranks = { ...experiment({ batchSize: 4 }), ranks: 3 };
    expect(() => planOf(ranks, { trainSize: 11 })).toThrow(/at most 3, /);
  });

  it('refuses a batch larger than the data set', () => {
    expect(() =>
      planOf(experiment({ batchSize: 12 }), { trainSize: 11 }),
    ).toThrow(ConfigInvalidError);
  });
});
