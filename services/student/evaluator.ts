import type { Dataset } from '#distill/data/dataset.js';
import { createForwardProgram } from '#distill/forward-program.js';
import type { Network } from '#distill/models/network.js';
import type { HostTensor, NamedHostTensors } from '#distill/tensors.js';
import { sizeOf } from '#distill/tensors.js';
import type { Engine, Executable } from '#runtime/compute/engine.js';
import { batchOf } from './batches.js';
import type { Evaluation } from './trainer-api.js';

/** Test images in one call of the engine. */
const batchSize = 128;

/** Measures a network on the test split. */
export class Evaluator {
  readonly #dataset: Dataset;
  readonly #executable: Executable;
  /** The teacher's classes for the test split, as far as they were told. */
  readonly #teacherClasses: Int32Array;
  #taught = 0;

  static async create(
    engine: Engine,
    network: Network,
    dataset: Dataset,
    state: NamedHostTensors,
  ): Promise<Evaluator> {
    const { imageShape } = dataset;
    const program = createForwardProgram(network, imageShape, batchSize);
    return new Evaluator(dataset, await engine.compile(program, state));
  }

  private constructor(dataset: Dataset, executable: Executable) {
    this.#dataset = dataset;
    this.#executable = executable;
    this.#teacherClasses = new Int32Array(dataset.split('test').size);
  }

  /** Takes the teacher's logits [n, classCount] of test samples from `first` on. */
  teach(first: number, logits: HostTensor): void {
    const classes = classesOf(logits);
    this.#teacherClasses.set(classes, first);
    this.#taught += classes.length;
  }

  async evaluate(state: NamedHostTensors): Promise<Evaluation> {
    await this.#executable.writeState(state);
    const { size } = this.#dataset.split('test');
    let correct = 0;
    let agreed = 0;
    for (let start = 0; start < size; start += batchSize) {
      const indices = range(start, Math.min(start + batchSize, size));
      const { classes, labels } = await this.#classify(indices);
      classes.forEach((found, i) => {
        if (found === labels[i]) correct++;
        if (found === this.#teacherClasses[start + i]) agreed++;
      });
    }
    const testAccuracy = correct / size;
    if (this.#taught < size) return { testAccuracy };
    return { testAccuracy, agreementWithTeacher: agreed / size };
  }

  async #classify(indices: readonly number[]) {
    const ref = { split: 'test', indices, epoch: undefined } as const;
    const { images, labels } = await batchOf(this.#dataset, 0, ref);
    const shape = [batchSize, ...this.#dataset.imageShape];
    const padded = new Float32Array(sizeOf(shape));
    padded.set(images.data);
    const { logits } = await this.#executable.run({
      images: { shape, data: padded },
    });
    const classes = classesOf(logits!).subarray(0, indices.length);
    return { classes, labels: labels.data };
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

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i);
}
