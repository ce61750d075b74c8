import { createHash } from 'node:crypto';
import { sizeOf } from '#distill/tensors.js';
import { DiskRows } from './disk-rows.js';
import { MemoryRows } from './memory-rows.js';

export interface RowCacheOptions {
  readonly memoryBytes: number;
  /** Without it rows are in memory only. */
  readonly dir?: string | undefined;
  readonly diskBytes: number;
}

/**
 * What teachers answered: for each image, its features and logits, float32
 * [featureDim + classCount]. Shared by all models; a hit is bit-exact.
 */
export class RowCache {
  private constructor(
    private readonly memory: MemoryRows,
    private readonly disk: DiskRows | undefined,
  ) {}

  static async open(options: RowCacheOptions): Promise<RowCache> {
    const { memoryBytes, dir, diskBytes: maxBytes } = options;
    const disk =
      dir === undefined ? undefined : await DiskRows.open({ dir, maxBytes });
    return new RowCache(new MemoryRows(memoryBytes), disk);
  }

  get bytes(): { memory: number; disk: number } {
    return { memory: this.memory.bytes, disk: this.disk?.bytes ?? 0 };
  }

  async get(key: string): Promise<Float32Array | undefined> {
    const held = this.memory.get(key);
    if (held || !this.disk) return held;
    const row = await this.disk.get(key);
    if (row) this.memory.set(key, row);
    return row;
  }

  set(key: string, row: Float32Array): void {
    this.memory.set(key, row);
    this.disk?.set(key, row);
  }

  async close(): Promise<void> {
    await this.disk?.close();
  }
}

/**
 * One key an image. The digest of the finished view stands for stored pixels
 * and view: equal pixels have equal answers, however they came about.
 * @param images uint8 [N, H, W, C]
 */
export function keysOf(
  teacherDigest: string,
  images: Uint8Array,
  imageShape: readonly number[],
): string[] {
  const width = sizeOf(imageShape);
  return Array.from({ length: images.length / width }, (_, i) =>
    createHash('sha256')
      .update(teacherDigest)
      .update(images.subarray(i * width, (i + 1) * width))
      .digest('base64'),
  );
}
