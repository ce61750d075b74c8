import sharp, { type Sharp } from 'sharp';
import { resizedCropOf } from '#distill/data/resized-crop.js';
import { CorruptFileError } from '../errors.js';
import { maxInputPixels } from './decode.js';

/** How stored images of any size become images of one size. */
export interface Sizing {
  /** Side of the square images that come out, in pixels. */
  readonly side: number;
  /** The shorter side is scaled to this before the middle is cut out. */
  readonly shorterSide: number;
}

/** Names a random-resized-crop view; see `resizedCropOf`. */
export interface CropKey {
  readonly seed: number;
  readonly epoch: number;
  readonly index: number;
}

/** Part of the digest of every data set that is decoded on demand. */
export const viewDecoderVersion = [
  `sharp ${sharp.versions.sharp}`,
  `vips ${sharp.versions.vips}`,
  'srgb, as stored, no alpha, linear',
].join(', ');

/**
 * One image of a data set as a network takes it, uint8 [side, side, 3].
 *
 * Without `crop` as torchvision evaluates: `Resize(shorterSide)`, then
 * `CenterCrop(side)`. With it the part that `resizedCropOf` draws, scaled to
 * the side. Scaling is linear with antialiasing (PIL's BILINEAR); JPEG's own
 * shrinking, whose pixels differ, is never used, nor is EXIF's rotation, which
 * torchvision does not know.
 *
 * @param path only for errors
 * @throws CorruptFileError for what is no image, is cut off, or has too many pixels
 */
export async function decodeView(
  encoded: Buffer,
  path: string,
  sizing: Sizing,
  crop?: CropKey,
): Promise<Uint8Array> {
  const options = {
    failOn: 'error',
    limitInputPixels: maxInputPixels,
  } as const;
  try {
    const image = sharp(encoded, options);
    const { width, height } = await image.metadata();
    const placed = crop
      ? takeCrop(image, height, width, sizing, crop)
      : takeMiddle(image, height, width, sizing);
    return await placed
      .toColourspace('srgb')
      .removeAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer();
  } catch (cause) {
    const problem = 'not a readable image';
    throw new CorruptFileError({ path, problem }, { cause });
  }
}

function takeCrop(
  image: Sharp,
  height: number,
  width: number,
  { side }: Sizing,
  { seed, epoch, index }: CropKey,
): Sharp {
  const crop = resizedCropOf(seed, epoch, index, height, width);
  const { flip, ...box } = crop;
  const scaled = resize(image.extract(box), side, side);
  return flip ? scaled.flop() : scaled;
}

function takeMiddle(
  image: Sharp,
  height: number,
  width: number,
  { side, shorterSide }: Sizing,
): Sharp {
  const longer = (own: number, other: number) =>
    own <= other ? shorterSide : Math.floor((shorterSide * own) / other);
  const [scaledHeight, scaledWidth] = [
    longer(height, width),
    longer(width, height),
  ];
  const scaled =
    scaledHeight === height && scaledWidth === width
      ? image
      : resize(image, scaledHeight, scaledWidth);
  return scaled.extract({
    top: evenRound((scaledHeight - side) / 2),
    left: evenRound((scaledWidth - side) / 2),
    height: side,
    width: side,
  });
}

function resize(image: Sharp, height: number, width: number) {
  return image.resize(width, height, {
    fit: 'fill',
    kernel: 'linear',
    fastShrinkOnLoad: false,
  });
}

/** As Python rounds, which decides where torchvision's middle lies. */
function evenRound(value: number): number {
  const rounded = Math.round(value);
  return value % 1 === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded;
}
