/** What one row costs besides its floats: key, map entry, headers. */
const overheadBytes = 256;

/** Rows by key in memory, least recently used out first. */
export class MemoryRows {
  /** In the order of their last use. */
  private readonly rows = new Map<string, Float32Array>();
  private usedBytes = 0;

  constructor(private readonly maxBytes: number) {}

  get bytes(): number {
    return this.usedBytes;
  }

  get(key: string): Float32Array | undefined {
    const row = this.rows.get(key);
    if (row) {
      this.rows.delete(key);
      this.rows.set(key, row);
    }
    return row;
  }

  set(key: string, row: Float32Array): void {
    if (this.rows.has(key)) return;
    this.rows.set(key, row);
    this.usedBytes += bytesOf(row);
    for (const [oldest, { byteLength }] of this.rows) {
      if (this.usedBytes <= this.maxBytes) break;
      this.rows.delete(oldest);
      this.usedBytes -= byteLength + overheadBytes;
    }
  }
}

const bytesOf = (row: Float32Array) => row.byteLength + overheadBytes;
