import type { ImageShape } from './dataset.js';

/**
 * float32 [N, C, H, W] as [N, H, W, C].
 * @param shape [H, W, C]
 */
export function channelsLast(
  images: Float32Array,
  [height, width, channels]: ImageShape,
): Float32Array {
  const pixels = height * width;
  const size = pixels * channels;
  const result = new Float32Array(images.length);
  for (let start = 0; start < images.length; start += size) {
    for (let channel = 0; channel < channels; channel++) {
      const plane = start + channel * pixels;
      for (let pixel = 0; pixel < pixels; pixel++)
        result[start + pixel * channels + channel] = images[plane + pixel]!;
    }
  }
  return result;
}
