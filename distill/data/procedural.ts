import type { Dataset, DatasetSplit, Split } from './dataset.js';
import { paintScene, patternNames } from './procedural-scene.js';
import { rngFrom } from './rng.js';

/** What a procedural data set is; all of its pixels follow from this. */
export interface ProceduralOptions {
  readonly seed: number;
  readonly trainSize: number;
  readonly testSize: number;
}

export const proceduralDefaults: ProceduralOptions = {
  seed: 0,
  trainSize: 2048,
  testSize: 512,
};

/** Changes with every change of the pixels. */
const generatorVersion = 1;
const side = 32;
const imageBytes = side * side * 3;

/** Ordered pairs of different patterns: the disc's and the square's. */
const pairs = patternNames.flatMap((disc) =>
  patternNames
    .filter((square) => square !== disc)
    .map((square) => [disc, square] as const),
);

/**
 * The built-in data set: 32 x 32 RGB pictures of a disc and a square, each
 * with a pattern. The class is which of them bears which pattern, so no part
 * tells it alone: who sees the two patterns but not whose they are is right
 * half of the time. Places, colours, contrast, period, size, clutter, light
 * and grain say nothing about the class; nor does mirroring, so crop-flip
 * views keep their labels.
 *
 * Image `index` of a split is a pure function of (seed, split, index): a
 * larger data set begins with the images of a smaller one.
 */
export function createProceduralDataset(
  options: ProceduralOptions = proceduralDefaults,
): Dataset {
  const { seed, trainSize, testSize } = options;
  const splits = {
    train: createSplit(seed, 'train', trainSize),
    test: createSplit(seed, 'test', testSize),
  };
  return {
    name: 'procedural',
    imageShape: [side, side, 3],
    classNames: pairs.map(([disc, square]) => `${disc}-disc-${square}-square`),
    normalization: { mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] },
    digest: digestOf(options),
    split: (split) => splits[split],
  };
}

/** The class of a sample; all are equally likely. */
function labelOf(seed: number, split: Split, index: number): number {
  return rngFrom(seed, 'label', split, index).integer(pairs.length);
}

function imageOf(seed: number, split: Split, index: number): Uint8Array {
  const [disc, square] = pairs[labelOf(seed, split, index)]!;
  return paintScene(disc, square, side, rngFrom(seed, 'image', split, index));
}

function createSplit(seed: number, split: Split, size: number): DatasetSplit {
  const painted = new Map<number, Uint8Array>();
  const check = (index: number) => {
    if (Number.isInteger(index) && index >= 0 && index < size) return;
    throw new RangeError(`no sample ${index}, there are ${size}`);
  };
  const image = (index: number) => {
    check(index);
    const known = painted.get(index);
    if (known) return known;
    const fresh = imageOf(seed, split, index);
    painted.set(index, fresh);
    return fresh;
  };
  return {
    size,
    label(index) {
      check(index);
      return labelOf(seed, split, index);
    },
    async images(indices, signal) {
      signal?.throwIfAborted();
      const out = new Uint8Array(indices.length * imageBytes); // [N, H, W, C]
      indices.forEach((index, row) => out.set(image(index), row * imageBytes));
      return out;
    },
  };
}

/** Says what the set is, and what a few of its pixels came out as here. */
function digestOf({ seed, trainSize, testSize }: ProceduralOptions): string {
  let hash = 0x811c9dc5; // FNV-1a
  for (const split of ['train', 'test'] as const) {
    for (let index = 0; index < 4; index++) {
      for (const byte of imageOf(seed, split, index)) {
        hash = Math.imul(hash ^ byte, 0x01000193);
      }
    }
  }
  const probe = (hash >>> 0).toString(16).padStart(8, '0');
  return `procedural-${generatorVersion}-${seed}-${trainSize}-${testSize}-${probe}`;
}
