import type { ImageShape } from '#distill/data/dataset.js';
import { rngFrom } from '#distill/data/rng.js';
import { sizeOf } from '#distill/tensors.js';
import { probeCount } from './sized-programs.js';

/** The same noise everywhere: uint8 [probeCount, H, W, C]. */
export function probeImages(imageShape: ImageShape): Uint8Array {
  const rng = rngFrom(0, 'teacher-probe');
  return Uint8Array.from({ length: probeCount * sizeOf(imageShape) }, () =>
    rng.integer(256),
  );
}
