import type { Dataset } from '#distill/data/dataset.js';
import type { Network } from '#distill/models/network.js';
import type { HostTensor, NamedHostTensors } from '#distill/tensors.js';
import type { Engine } from './compute/engine.js';
import { Forward } from './forward.js';

/** Puts the stored images of a test split into a network's classes. */
export class Classifier {
  private constructor(
    private readonly dataset: Dataset,
    private readonly forward: Forward,
  ) {}

  /** @param state parameters and buffers of the network */
  static async create(
    engine: Engine,
    network: Network,
    dataset: Dataset,
    state: NamedHostTensors,
  ): Promise<Classifier> {
    const forward = await Forward.create(engine, network, dataset, state);
    return new Classifier(dataset, forward);
  }

  load(state: NamedHostTensors): Promise<void> {
    return this.forward.load(state);
  }

  /**
   * The class found for every sample of the test split, in order, or for those
   * of [start, end).
   */
  async classes(
    start = 0,
    end = this.dataset.split('test').size,
  ): Promise<Int32Array> {
    const indices = Array.from({ length: end - start }, (_, i) => start + i);
    const classes = new Int32Array(indices.length);
    let first = 0;
    const batches = this.forward.testBatches(this.dataset, indices);
    for await (const { logits } of batches) {
      const found = classesOf(logits);
      classes.set(found, first);
      first += found.length;
    }
    return classes;
  }
}

/** The first largest logit of each row. [N, classCount] -> [N] */
export function classesOf({ shape, data }: HostTensor): Int32Array {
  const [count = 0, classCount = 0] = shape;
  return Int32Array.from({ length: count }, (_, row) => {
    const logits = data.subarray(row * classCount, (row + 1) * classCount);
    let best = 0;
    for (let k = 1; k < classCount; k++)
      if (logits[k]! > logits[best]!) best = k;
    return best;
  });
}
