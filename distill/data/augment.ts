import type { ImageShape } from './dataset.js';
import { rngFrom } from './rng.js';

/**
 * How one image is seen at one time: a crop of the zero-padded image, and
 * whether it is mirrored. 9 x 9 x 2 = 162 views of an image exist.
 */
export interface View {
  /** Offset of the crop in the padded image, 0 to 2 * padding. */
  readonly top: number;
  readonly left: number;
  readonly flip: boolean;
}

/** Pixels of zeros added on each side before the crop. */
export const padding = 4;

/** The stored image itself. */
export const identityView: View = { top: padding, left: padding, flip: false };

/** The crop-flip view of sample `index` in `epoch` (from 1): a pure function. */
export function viewOf(seed: number, epoch: number, index: number): View {
  const rng = rngFrom(seed, 'view', epoch, index);
  return {
    top: rng.integer(2 * padding + 1),
    left: rng.integer(2 * padding + 1),
    flip: rng.integer(2) === 1,
  };
}

/**
 * Writes the view of one image to `out`.
 * @param pixels uint8 [height, width, channels]
 * @param out as long as `pixels`, overwritten whole
 */
export function applyView(
  pixels: Uint8Array,
  [height, width, channels]: ImageShape,
  view: View,
  out: Uint8Array,
): void {
  const down = view.top - padding;
  const right = view.left - padding;
  let target = 0;
  for (let row = 0; row < height; row++) {
    const y = row + down;
    for (let column = 0; column < width; column++) {
      const x = (view.flip ? width - 1 - column : column) + right;
      const inside = y >= 0 && y < height && x >= 0 && x < width;
      const source = (y * width + x) * channels;
      for (let channel = 0; channel < channels; channel++) {
        out[target++] = inside ? pixels[source + channel]! : 0;
      }
    }
  }
}
