import { sizeOf } from '#distill/tensors.js';
import type { Constant } from '../graph.js';

/** The least and the largest number that a value takes. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** An integer q stands for scale (q - zeroPoint). */
export interface Scale {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** Of uint8; 0 is exact, since convolutions are padded with it. */
export function scaleOf(range: Range): Scale {
  const low = Math.min(range.low, 0);
  const high = Math.max(range.high, 0);
  const scale = Math.fround((high - low) / 255) || 1;
  return { scale, zeroPoint: Math.round(Math.abs(low) / scale) };
}

/** A filter as int8, with a scale for each output channel. */
export interface IntegerFilter {
  readonly scales: Float32Array;
  readonly values: Int8Array;
}

/**
 * CPUs without VNNI add two products of a uint8 and an int8 up in 16 bits, and
 * cut off what is larger: 2 * 255 * 64 just fits, so a model is the same
 * everywhere.
 */
const largestInteger = 64;

/** @param filter float32 [O, I, h, w] */
export function toIntegers({ dims, data }: Constant): IntegerFilter {
  const size = sizeOf(dims.slice(1));
  const values = new Int8Array(data.length);
  const scales = new Float32Array(dims[0]!);
  for (const channel of scales.keys()) {
    const start = channel * size;
    let largest = 0;
    for (let i = start; i < start + size; i++)
      largest = Math.max(largest, Math.abs(data[i]!));
    const scale = Math.fround(largest / largestInteger) || 1;
    scales[channel] = scale;
    for (let i = start; i < start + size; i++)
      values[i] = Math.round(data[i]! / scale);
  }
  return { scales, values };
}
