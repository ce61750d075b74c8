import { randomUUID } from 'node:crypto';
import {
  mkdir,
  open,
  readdir,
  readFile,
  rm,
  stat,
  type FileHandle,
} from 'node:fs/promises';
import { join } from 'node:path';
import { decodeRecord, encodeRecord } from './record.js';

interface Segment {
  readonly path: string;
  readonly handle: FileHandle;
  bytes: number;
}

interface Place {
  readonly segment: Segment;
  readonly start: number;
  readonly bytes: number;
}

interface PendingRow {
  readonly key: string;
  readonly record: Buffer;
}

export interface DiskRowsOptions {
  readonly dir: string;
  readonly maxBytes: number;
}

const suffix = '.rows';
/** Rows that wait to be written; more are not kept on disk. */
const maxPendingBytes = 16 * 2 ** 20;
const largestSegmentBytes = 64 * 2 ** 20;

/**
 * Rows by key in segment files, the oldest segment out first.
 *
 * Every process appends to segments of its own and reads those that it finds
 * when it starts, so replicas share a folder without locks. Records carry
 * checksums: what a crash tore, or another process removed, is a miss. Nothing
 * is synced, for what is lost is only computed again.
 */
export class DiskRows {
  private readonly places = new Map<string, Place>();
  /** Oldest first. */
  private readonly segments: Segment[] = [];
  private current: Segment | undefined;
  private pending: PendingRow[] = [];
  private pendingBytes = 0;
  private writing: Promise<void> | undefined;
  private closed = false;

  private constructor(private readonly options: DiskRowsOptions) {}

  /** Reads what is there; what is damaged is left out. */
  static async open(options: DiskRowsOptions): Promise<DiskRows> {
    const rows = new DiskRows(options);
    await mkdir(options.dir, { recursive: true });
    for (const path of await segmentPaths(options.dir)) await rows.index(path);
    await rows.makeRoom();
    return rows;
  }

  get bytes(): number {
    return this.segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  async get(key: string): Promise<Float32Array | undefined> {
    const place = this.places.get(key);
    if (!place) return undefined;
    const { segment, start, bytes } = place;
    const data = Buffer.alloc(bytes);
    // The segment may be removed meanwhile: that is a miss.
    await segment.handle.read(data, 0, bytes, start).catch(() => undefined);
    const record = decodeRecord(data);
    if (record?.key === key) return record.row;
    if (this.places.get(key) === place) this.places.delete(key);
    return undefined;
  }

  /** Writes in the background. */
  set(key: string, row: Float32Array): void {
    const full = this.pendingBytes > maxPendingBytes;
    if (this.closed || full || this.places.has(key)) return;
    const record = encodeRecord(key, row);
    this.pending.push({ key, record });
    this.pendingBytes += record.length;
    this.writing ??= this.write();
  }

  /** Resolves when what was set is written. */
  async close(): Promise<void> {
    this.closed = true;
    await this.writing;
    await Promise.all(this.segments.map(({ handle }) => handle.close()));
    this.places.clear();
  }

  private async index(path: string): Promise<void> {
    // Another process may remove it at any time.
    const data = await readFile(path).catch(() => undefined);
    const handle = await open(path, 'r').catch(() => undefined);
    if (!handle) return;
    const segment = { path, handle, bytes: data?.length ?? 0 };
    this.segments.push(segment);
    for (let start = 0; data;) {
      const record = decodeRecord(data, start);
      if (!record) break;
      const { key, bytes } = record;
      this.places.set(key, { segment, start, bytes });
      start += bytes;
    }
  }

  private async write(): Promise<void> {
    while (this.pending.length > 0) {
      const records = this.pending;
      this.pending = [];
      this.pendingBytes = 0;
      // A full or broken disk costs the cache, never the answer.
      await this.append(records).catch(() => undefined);
    }
    // In the turn that found nothing to write: what is set next starts anew.
    this.writing = undefined;
  }

  private async append(records: readonly PendingRow[]): Promise<void> {
    const segment = await this.segment();
    const data = Buffer.concat(records.map(({ record }) => record));
    await segment.handle.write(data, 0, data.length, segment.bytes);
    for (const { key, record } of records) {
      const place = { segment, start: segment.bytes, bytes: record.length };
      this.places.set(key, place);
      segment.bytes += record.length;
    }
    await this.makeRoom();
  }

  /** The segment to append to: a new one when it is long. */
  private async segment(): Promise<Segment> {
    const { dir, maxBytes } = this.options;
    const fullBytes = Math.min(largestSegmentBytes, maxBytes / 4);
    if (this.current && this.current.bytes < fullBytes) return this.current;
    const path = join(dir, `${Date.now()}-${randomUUID()}${suffix}`);
    const handle = await open(path, 'wx+');
    this.current = { path, handle, bytes: 0 };
    this.segments.push(this.current);
    return this.current;
  }

  private async makeRoom(): Promise<void> {
    while (this.bytes > this.options.maxBytes) {
      const oldest = this.segments.shift()!;
      if (oldest === this.current) this.current = undefined;
      for (const [key, { segment }] of this.places) {
        if (segment === oldest) this.places.delete(key);
      }
      await oldest.handle.close();
      await rm(oldest.path, { force: true });
    }
  }
}

/** Segments of a folder, oldest first. */
async function segmentPaths(dir: string): Promise<string[]> {
  const names = (await readdir(dir)).filter((name) => name.endsWith(suffix));
  const aged = await Promise.all(
    names.map(async (name) => {
      const path = join(dir, name);
      const found = await stat(path).catch(() => undefined);
      return { path, changedMs: found?.mtimeMs ?? 0 };
    }),
  );
  aged.sort((a, b) => a.changedMs - b.changedMs);
  return aged.map(({ path }) => path);
}
