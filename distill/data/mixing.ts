import type { ImageShape } from './dataset.js';
import type { Rng } from './rng.js';

/** Pixels of a batch, uint8 [N, height, width, channels]. */
interface Images {
  readonly data: Uint8Array;
  readonly imageShape: ImageShape;
}

/**
 * CutMix (Yun et al., arXiv 1905.04899): in every image, one box at the same
 * place is that of its partner. The box has the share 1 - lambda of the area,
 * before the border cuts it; lambda ~ U(0, 1), one a batch.
 * @returns a copy
 */
export function cutmix({ data, imageShape }: Images, rng: Rng): Uint8Array {
  const [height, width, channels] = imageShape;
  const side = Math.sqrt(1 - rng.uniform());
  const rows = rangeAround(rng.integer(height), height * side, height);
  const columns = rangeAround(rng.integer(width), width * side, width);
  const size = height * width * channels;
  const mixed = data.slice();
  for (const [image, partner] of partners(data.length / size, rng).entries()) {
    for (let row = rows.from; row < rows.to; row++) {
      const from = (row * width + columns.from) * channels;
      const to = (row * width + columns.to) * channels;
      const source = partner * size;
      const box = data.subarray(source + from, source + to);
      mixed.set(box, image * size + from);
    }
  }
  return mixed;
}

/**
 * mixup (Zhang et al., arXiv 1710.09412): lambda of the image and 1 - lambda
 * of its partner, lambda ~ Beta(1, 1), one a batch; rounded to whole pixels,
 * so that whoever gets the bytes sees the same image.
 * @returns a copy
 */
export function mixup({ data, imageShape }: Images, rng: Rng): Uint8Array {
  const [height, width, channels] = imageShape;
  const lambda = rng.uniform();
  const size = height * width * channels;
  const mixed = new Uint8Array(data.length);
  for (const [image, partner] of partners(data.length / size, rng).entries()) {
    for (let i = 0; i < size; i++) {
      const own = data[image * size + i]!;
      const other = data[partner * size + i]!;
      mixed[image * size + i] = Math.round(lambda * own + (1 - lambda) * other);
    }
  }
  return mixed;
}

/**
 * Whom each of `count` images is mixed with: a permutation that is one single
 * cycle (Sattolo), so none is its own partner unless it is alone.
 */
export function partners(count: number, rng: Rng): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let last = count - 1; last > 0; last--) {
    const other = rng.integer(last);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}

/** Whole pixels around `centre`, inside [0, size). */
function rangeAround(centre: number, length: number, size: number) {
  const half = Math.floor(length) / 2;
  const from = Math.max(0, Math.floor(centre - half));
  return { from, to: Math.min(size, Math.floor(centre + half)) };
}
