import { describe, expect, it } from 'vitest';
import type { TeacherTensor } from '#distill/methods/method.js';
import type { Precision } from '#distill/precision.js';
import { joinOutputs, partsThatFit } from './teacher-outputs.js';
import type { BatchRef } from './trainer-api.js';

// ResNet50's on CIFAR: 1 MiB, 512 KiB, 256 KiB, 128 KiB behind the stem's
const shapes = [
  ...([[32, 32, 64] as const, [32, 32, 256] as const] as const),
  ...([[16, 16, 512] as const, [8, 8, 1024] as const] as const),
  [4, 4, 2048] as const,
];
const indices = Array.from({ length: 64 }, (_, i) => 100 - i);
const batch: BatchRef = { split: 'train', indices, epoch: 3 };
const partsOf = (
  outputs: readonly TeacherTensor[],
  precision: Precision = 'float32',
) => partsThatFit(batch, new Set(outputs), shapes, precision);

describe('a batch of the teacher', () => {
  it('is one call unless its maps are too large', () => {
    expect(partsOf(['features'])).toEqual([batch]);
    expect(partsOf(['maps.4'])).toEqual([batch]);
  });

  it('is asked for in parts that fit into a message, in order', () => {
    const outputs = ['maps.1', 'maps.2', 'maps.3', 'maps.4'] as const;
    const parts = partsOf(outputs);
    expect(parts.map((part) => part.indices.length)).toEqual([32, 32]);
    expect(parts.flatMap((part) => part.indices)).toEqual(indices);
    expect(parts.every(({ epoch }) => epoch === 3)).toBe(true);
    expect(partsOf(outputs, 'float16')).toEqual([batch]);
  });

  it('is put together from its parts', () => {
    const tensor = (...data: number[]) => ({
      shape: [data.length / 2, 1, 2],
      data: Float32Array.from(data),
    });
    const parts = [
      { 'maps.1': tensor(1, 2) },
      { 'maps.1': tensor(3, 4, 5, 6) },
    ];
    expect(joinOutputs(parts)).toEqual({ 'maps.1': tensor(1, 2, 3, 4, 5, 6) });
  });
});
