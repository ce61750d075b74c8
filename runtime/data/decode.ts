import sharp from 'sharp';
import type { ImageShape } from '#distill/data/dataset.js';
import { BatchShapeError, CorruptFileError } from '../errors.js';

/** Part of every digest: other versions may round pixels differently. */
export const decoderVersion = [
  `sharp ${sharp.versions.sharp}`,
  `vips ${sharp.versions.vips}`,
  'srgb, upright, no alpha, lanczos3',
].join(', ');

/** No image file of a data set is sensibly larger than this. */
export const maxInputPixels = 2 ** 26;

export interface DecodedImage {
  /** [height, width, 3] */
  readonly shape: ImageShape;
  /** uint8 [height, width, 3] */
  readonly pixels: Uint8Array;
}

/**
 * Reads a JPEG or PNG file as upright 8-bit sRGB without alpha. With `resizeTo`
 * the shorter side is scaled to it (Lanczos 3, never by the JPEG decoder's own
 * shrinking) and the middle square is kept. Throws `CorruptFileError`.
 */
export async function decodeImage(
  path: string,
  resizeTo?: number,
): Promise<DecodedImage> {
  let image = sharp(path, {
    failOn: 'error',
    limitInputPixels: maxInputPixels,
    autoOrient: true,
  });
  if (resizeTo !== undefined) {
    image = image.resize(resizeTo, resizeTo, {
      fit: 'cover',
      kernel: 'lanczos3',
      fastShrinkOnLoad: false,
    });
  }
  const { data, info } = await image
    .toColourspace('srgb')
    .removeAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch((cause: unknown) => {
      const problem = 'not a readable image';
      throw new CorruptFileError({ path, problem }, { cause });
    });
  return { shape: [info.height, info.width, info.channels], pixels: data };
}

/** Decodes a file that must have the shape of the data set. */
export async function decodeInto(
  out: Uint8Array,
  path: string,
  shape: ImageShape,
  resizeTo?: number,
): Promise<void> {
  const image = await decodeImage(path, resizeTo);
  if (image.shape.join() !== shape.join()) {
    throw new BatchShapeError({
      field: path,
      expected: `${shape.join(' x ')} as the first image (or ?size=N)`,
      actual: image.shape.join(' x '),
    });
  }
  out.set(image.pixels);
}
