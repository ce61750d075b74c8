import type { Dataset } from '#distill/data/dataset.js';
import type { Network } from '#distill/models/network.js';
import type { HostTensor, NamedHostTensors } from '#distill/tensors.js';
import { Classifier, classesOf } from '#runtime/classifier.js';
import type { Engine } from '#runtime/compute/engine.js';
import type { Share } from './group/shares.js';
import type { Evaluation } from './trainer-api.js';

/** Measures a network on the test split. */
export class Evaluator {
  readonly #dataset: Dataset;
  readonly #classifier: Classifier;
  /** The teacher's classes for the test split, as far as they were told. */
  readonly #teacherClasses: Int32Array;
  #taught = 0;

  static async create(
    engine: Engine,
    network: Network,
    dataset: Dataset,
    state: NamedHostTensors,
  ): Promise<Evaluator> {
    const classifier = await Classifier.create(engine, network, dataset, state);
    return new Evaluator(dataset, classifier);
  }

  private constructor(dataset: Dataset, classifier: Classifier) {
    this.#dataset = dataset;
    this.#classifier = classifier;
    this.#teacherClasses = new Int32Array(dataset.split('test').size);
  }

  /** Takes the teacher's logits [n, classCount] of test samples from `first` on. */
  teach(first: number, logits: HostTensor): void {
    const classes = classesOf(logits);
    this.#teacherClasses.set(classes, first);
    this.#taught += classes.length;
  }

  /** The classes that the network finds for samples of the test split. */
  async classify(
    state: NamedHostTensors,
    { start, end }: Share,
  ): Promise<Int32Array> {
    await this.#classifier.load(state);
    return this.#classifier.classes(start, end);
  }

  /** @param classes found for every sample of the test split, in order */
  measure(classes: Int32Array): Evaluation {
    const test = this.#dataset.split('test');
    const shareThat = (fits: (found: number, index: number) => boolean) =>
      classes.filter(fits).length / test.size;
    const testAccuracy = shareThat((found, i) => found === test.label(i));
    if (this.#taught < test.size) return { testAccuracy };
    const agreementWithTeacher = shareThat(
      (found, i) => found === this.#teacherClasses[i],
    );
    return { testAccuracy, agreementWithTeacher };
  }
}
