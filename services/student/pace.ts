/**
 * How fast steps are taken, waiting for other nodes included, evaluations and
 * checkpoints not. The first step pays for compilation and is left out as soon
 * as there is another.
 */
export class Pace {
  readonly #batchSize: number;
  #firstMs: number | undefined;
  #steps = 0;
  #ms = 0;

  /** @param batchSize images of one step */
  constructor(batchSize: number) {
    this.#batchSize = batchSize;
  }

  add(stepMs: number): void {
    if (this.#firstMs === undefined) {
      this.#firstMs = stepMs;
      return;
    }
    this.#steps++;
    this.#ms += stepMs;
  }

  /** 0 before the first step. */
  get imagesPerSecond(): number {
    const [steps, ms] =
      this.#steps > 0 ? [this.#steps, this.#ms] : [1, this.#firstMs];
    return ms === undefined ? 0 : (1000 * steps * this.#batchSize) / ms;
  }
}
