import { rngFrom } from './rng.js';

/** The labels of a train split. */
export interface Labelled {
  readonly size: number;
  label(index: number): number;
}

/**
 * Samples to contrast a sample with, as CRD draws them (Tian et al., arXiv
 * 1910.10699): of other classes only, all different where there are enough.
 */
export class Negatives {
  /** Samples by class, and where each class begins. */
  readonly #byClass: Int32Array;
  readonly #starts: number[];
  readonly #split: Labelled;
  /** Places among the samples of other classes; in order between draws. */
  readonly #places: Int32Array;

  constructor(split: Labelled) {
    const { size } = split;
    const inOrder = Int32Array.from({ length: size }, (_, index) => index);
    this.#places = inOrder.slice();
    this.#byClass = inOrder.sort(
      (a, b) => split.label(a) - split.label(b) || a - b,
    );
    this.#starts = [];
    for (let i = size - 1; i >= 0; i--)
      this.#starts[split.label(this.#byClass[i]!)] = i;
    this.#split = split;
  }

  /**
   * A function of (seed, epoch, sample) and the labels alone.
   * @param into takes the sample itself, then its negatives: [1 + K]
   * @throws RangeError if all samples are of one class
   */
  draw(seed: number, epoch: number, sample: number, into: Int32Array): void {
    const { start, end } = this.#rangeOf(sample);
    const others = this.#split.size - (end - start);
    if (others === 0) throw new RangeError('no sample of another class');
    const rng = rngFrom(seed, 'negatives', epoch, sample);
    const at = (place: number) =>
      this.#byClass[place < start ? place : place + end - start]!;
    into[0] = sample;
    const count = into.length - 1;
    if (count > others) {
      for (let i = 1; i <= count; i++) into[i] = at(rng.integer(others));
      return;
    }
    const swapped = new Int32Array(count);
    for (let i = 0; i < count; i++) {
      swapped[i] = i + rng.integer(others - i);
      this.#swap(i, swapped[i]!);
      into[i + 1] = at(this.#places[i]!);
    }
    for (let i = count - 1; i >= 0; i--) this.#swap(i, swapped[i]!);
  }

  /** Where the sample's class lies among the samples by class. */
  #rangeOf(sample: number): { readonly start: number; readonly end: number } {
    const label = this.#split.label(sample);
    const start = this.#starts[label]!;
    const later = this.#starts.slice(label + 1).find((s) => s !== undefined);
    return { start, end: later ?? this.#split.size };
  }

  #swap(a: number, b: number): void {
    const places = this.#places;
    [places[a], places[b]] = [places[b]!, places[a]!];
  }
}
