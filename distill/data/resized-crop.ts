import { rngFrom } from './rng.js';

/** Whole pixels of a stored image. */
export interface Box {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** A part of the image, to be scaled to the network's size and mirrored. */
export interface ResizedCrop extends Box {
  readonly flip: boolean;
}

/** Share of the image's area, and width over height, that a crop may have. */
const scale = [0.08, 1] as const;
const aspect = [3 / 4, 4 / 3] as const;
const attempts = 10;

/**
 * The random-resized-crop view of sample `index` in `epoch` (from 1): torch
 * vision's `RandomResizedCrop` with its defaults, then a flip with probability
 * 1/2. A pure function of its arguments.
 */
export function resizedCropOf(
  seed: number,
  epoch: number,
  index: number,
  height: number,
  width: number,
): ResizedCrop {
  const rng = rngFrom(seed, 'resized-crop', epoch, index);
  const flip = rng.integer(2) === 1;
  const between = (low: number, high: number) =>
    low + (high - low) * rng.uniform();
  for (let attempt = 0; attempt < attempts; attempt++) {
    const area = height * width * between(...scale);
    const [lowest, highest] = aspect;
    const ratio = Math.exp(between(Math.log(lowest), Math.log(highest)));
    const crop = {
      height: Math.round(Math.sqrt(area / ratio)),
      width: Math.round(Math.sqrt(area * ratio)),
    };
    if (crop.height < 1 || crop.height > height) continue;
    if (crop.width < 1 || crop.width > width) continue;
    const top = rng.integer(height - crop.height + 1);
    const left = rng.integer(width - crop.width + 1);
    return { ...crop, top, left, flip };
  }
  return { ...middle(height, width), flip };
}

/** The largest middle part whose aspect is allowed. */
function middle(height: number, width: number): Box {
  const [lowest, highest] = aspect;
  const crop = {
    height: Math.min(height, Math.max(1, Math.round(width / lowest))),
    width: Math.min(width, Math.max(1, Math.round(height * highest))),
  };
  return {
    ...crop,
    top: Math.floor((height - crop.height) / 2),
    left: Math.floor((width - crop.width) / 2),
  };
}
