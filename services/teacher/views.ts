import { applyView, viewOf } from '#distill/data/augment.js';
import type { ImageShape } from '#distill/data/dataset.js';
import { sizeOf } from '#distill/tensors.js';
import type { Job } from './job.js';

/**
 * Writes a job's images as the network sees them.
 * @param out uint8 [count, H, W, C] or longer
 */
export function writeImages(
  { images, views }: Pick<Job, 'images' | 'views'>,
  shape: ImageShape,
  out: Uint8Array,
): void {
  if (!views) {
    out.set(images);
    return;
  }
  const { seed, epoch, indices } = views;
  const imageBytes = sizeOf(shape);
  indices.forEach((index, row) => {
    const start = row * imageBytes;
    const end = start + imageBytes;
    const view = viewOf(seed, epoch, index);
    applyView(
      images.subarray(start, end),
      shape,
      view,
      out.subarray(start, end),
    );
  });
}
