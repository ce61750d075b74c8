import type { Dataset } from '#distill/data/dataset.js';
import { normalize } from '#distill/data/normalize.js';
import { createForwardProgram } from '#distill/forward-program.js';
import type { Network } from '#distill/models/network.js';
import {
  type HostTensor,
  type NamedHostTensors,
  sizeOf,
} from '#distill/tensors.js';
import type { Engine, Executable } from './compute/engine.js';

/** Test images in one call of the engine. */
const batchSize = 128;

/** Puts the stored images of a test split into a network's classes. */
export class Classifier {
  private constructor(
    private readonly dataset: Dataset,
    private readonly executable: Executable,
  ) {}

  /** @param state parameters and buffers of the network */
  static async create(
    engine: Engine,
    network: Network,
    dataset: Dataset,
    state: NamedHostTensors,
  ): Promise<Classifier> {
    const program = createForwardProgram(
      network,
      dataset.imageShape,
      batchSize,
    );
    return new Classifier(dataset, await engine.compile(program, state));
  }

  async load(state: NamedHostTensors): Promise<void> {
    await this.executable.writeState(state);
  }

  /** The class found for every sample of the test split, in order. */
  async classes(): Promise<Int32Array> {
    const { size } = this.dataset.split('test');
    const classes = new Int32Array(size);
    for (let first = 0; first < size; first += batchSize) {
      const count = Math.min(batchSize, size - first);
      classes.set(await this.#classify(first, count), first);
    }
    return classes;
  }

  /** The last batch is filled up with zeros: a program's shapes are fixed. */
  async #classify(first: number, count: number): Promise<Int32Array> {
    const indices = Array.from({ length: count }, (_, i) => first + i);
    const pixels = await this.dataset.split('test').images(indices);
    const shape = [batchSize, ...this.dataset.imageShape];
    const data = new Float32Array(sizeOf(shape));
    data.set(normalize(pixels, this.dataset.normalization));
    const { logits } = await this.executable.run({ images: { shape, data } });
    return classesOf(logits!).subarray(0, count);
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
