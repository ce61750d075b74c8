import type { Normalization } from './dataset.js';

/**
 * Pixels as a network takes them: (pixel / 255 - mean) / std, by channel.
 * @param pixels uint8, channels last
 * @returns float32 of the same length
 */
export function normalize(
  pixels: Uint8Array,
  normalization: Normalization,
): Float32Array {
  const channels = normalization.mean.length;
  const table = normalization.mean.map((mean, channel) =>
    Float32Array.from(
      { length: 256 },
      (_, value) => (value / 255 - mean) / normalization.std[channel]!,
    ),
  );
  const values = new Float32Array(pixels.length);
  for (let start = 0; start < pixels.length; start += channels) {
    for (let channel = 0; channel < channels; channel++) {
      const i = start + channel;
      values[i] = table[channel]![pixels[i]!]!;
    }
  }
  return values;
}
