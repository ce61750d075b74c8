import { z } from 'zod';
import { sizeOf, type HostTensor } from '#distill/tensors.js';

/** A tensor as the golden files write it: row-major, torch layout. */
export const tensor = z
  .strictObject({
    shape: z.array(z.number().int().nonnegative()),
    data: z.array(z.number()),
    dtype: z.literal('int32').optional(),
  })
  .refine(({ shape, data }) => data.length === sizeOf(shape), 'wrong length');

export type GoldenTensor = z.infer<typeof tensor>;

/** How far the reference's float32 run is from its float64 run, by tensor. */
export const errors = z.record(z.string(), z.number());

/** The tensor as engines take it. */
export function toHost({ shape, data, dtype }: GoldenTensor): HostTensor {
  const typed = dtype ? Int32Array.from(data) : Float32Array.from(data);
  return { shape, data: typed };
}

/** Images from torch's [N, C, H, W] to our [N, H, W, C]. */
export function channelsLast({ shape, data }: HostTensor): HostTensor {
  const [count, channels, height, width] = shape as [
    number,
    number,
    number,
    number,
  ];
  const pixels = height * width;
  const out = new Float32Array(data.length);
  for (let i = 0; i < out.length; i++) {
    const channel = i % channels;
    const pixel = Math.floor(i / channels) % pixels;
    const image = Math.floor(i / (channels * pixels));
    out[i] = data[(image * channels + channel) * pixels + pixel]!;
  }
  return { shape: [count, height, width, channels], data: out };
}
