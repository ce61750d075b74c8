import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { DatasetSplit, ViewKey } from '#distill/data/dataset.js';
import { forEachBounded } from './bounded.js';
import { decodeView, type Sizing } from './decode-view.js';
import { pathOf, readSample, type FileIndex } from './file-index.js';

/** Images of a split that stay encoded until they are asked for. */
export interface SharedFiles {
  readonly index: FileIndex;
  readonly sizing: Sizing;
}

/**
 * Images under way at a time: the decoder works in threads of its own, so this
 * keeps them all busy and bounds the memory of decoded originals.
 */
const decodesAtOnce = Math.max(2, availableParallelism());
/** Requests decoded at a time; the others wait as bare sample numbers. */
const requestsAtOnce = 2;

/** Decodes what is asked for, when it is asked for; keeps nothing. */
export function openOnDemand(
  { index, sizing }: SharedFiles,
  check: (index: number) => void,
): DatasetSplit {
  const imageBytes = sizing.side * sizing.side * 3;
  const turns = new Turns(requestsAtOnce);
  const decode = async (
    samples: readonly number[],
    view: ViewKey | undefined,
    signal = new AbortController().signal,
  ) => {
    signal.throwIfAborted();
    samples.forEach(check);
    return turns.take(async () => {
      const out = new Uint8Array(samples.length * imageBytes); // [N, H, W, C]
      const one = async (sample: number, row: number) => {
        const path = join(index.root, pathOf(index, sample));
        const encoded = await readSample(index, sample);
        const crop = view && { ...view, index: sample };
        const image = await decodeView(encoded, path, sizing, crop);
        out.set(image, row * imageBytes);
      };
      await forEachBounded(samples, decodesAtOnce, one, signal);
      return out;
    });
  };
  return {
    size: index.labels.length,
    label(sample) {
      check(sample);
      return index.labels[sample]!;
    },
    images: (samples, signal) => decode(samples, undefined, signal),
    resizedCrops: (samples, view, signal) => decode(samples, view, signal),
  };
}

/** At most `limit` at a time; the others follow in order. */
class Turns {
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(private readonly limit: number) {}

  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.limit) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running += 1;
    }
    try {
      return await work();
    } finally {
      // The turn goes to the next one, or ends.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}
