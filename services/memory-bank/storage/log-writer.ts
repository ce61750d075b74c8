import { open, type FileHandle } from 'node:fs/promises';
import { encodeRecord, type LogRecord } from './record.js';
import type { Fsync } from '#runtime/files.js';

const intervalMs = 100;
/** Parts of one write: the system takes no more than 1,024. */
const maxParts = 512;

interface Waiting {
  readonly record: LogRecord;
  readonly kept: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Appends records to a log. Those that come while a write is on its way share
 * the next one, so that a slow disk costs each writer one turn, not one for
 * every other writer.
 */
export class LogWriter {
  readonly #fsync: Fsync;
  #file: FileHandle;
  /** Where the last whole record ends. */
  #bytes: number;
  #waiting: Waiting[] = [];
  #pumping: Promise<void> | undefined;
  #betweenWrites: (() => Promise<void>) | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** A disk that failed to sync may have lost anything: nothing goes on. */
  #broken: Error | undefined;

  /** @param bytes of whole records in the file; what follows is cut off */
  static async open(
    path: string,
    bytes: number,
    fsync: Fsync,
  ): Promise<LogWriter> {
    const file = await open(path, 'r+');
    await file.truncate(bytes);
    return new LogWriter(file, bytes, fsync);
  }

  private constructor(file: FileHandle, bytes: number, fsync: Fsync) {
    this.#file = file;
    this.#bytes = bytes;
    this.#fsync = fsync;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Appends a record. Records are kept in the order of these calls, and `kept`
   * is called in that order too, before anything else is written.
   * @throws the disk's error; the record is then not in the log
   */
  append(record: LogRecord, kept: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = () => {
        kept();
        resolve();
      };
      this.#waiting.push({ record, kept: done, failed: reject });
      this.#start();
    });
  }

  /** Goes on in another file, which `next` opens while nothing is written. */
  switchTo(next: () => Promise<LogWriter>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#betweenWrites = () => this.#follow(next).then(resolve, reject);
      this.#start();
    });
  }

  async close(): Promise<void> {
    await this.#pumping;
    clearTimeout(this.#timer);
    if (this.#fsync !== 'never') await this.#file.datasync().catch(() => {});
    await this.#file.close();
  }

  async #follow(next: () => Promise<LogWriter>): Promise<void> {
    // A power cut may cut off the last log only.
    if (this.#fsync === 'interval') await this.#sync();
    const writer = await next();
    const old = this.#file;
    this.#file = writer.#file;
    this.#bytes = writer.#bytes;
    await old.close();
  }

  #start(): void {
    this.#pumping ??= this.#pump().finally(() => (this.#pumping = undefined));
  }

  async #pump(): Promise<void> {
    while (this.#waiting.length > 0 || this.#betweenWrites) {
      const between = this.#betweenWrites;
      this.#betweenWrites = undefined;
      await between?.();
      const group = this.#waiting.splice(0, maxParts / 2);
      try {
        await this.#write(group);
      } catch (error) {
        for (const { failed } of group) failed(error);
        continue;
      }
      for (const { kept } of group) kept();
    }
  }

  async #write(group: readonly Waiting[]): Promise<void> {
    if (this.#broken) throw this.#broken;
    const parts = group.flatMap(({ record }) => encodeRecord(record));
    try {
      this.#bytes = await writeAll(this.#file, parts, this.#bytes);
    } catch (error) {
      // Half a record must not stay in front of the next one.
      await this.#file.truncate(this.#bytes);
      throw error;
    }
    if (this.#fsync === 'always') await this.#sync();
    if (this.#fsync === 'interval') this.#syncSoon();
  }

  #syncSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#sync().catch(() => {});
    }, intervalMs);
  }

  async #sync(): Promise<void> {
    try {
      await this.#file.datasync();
    } catch (error) {
      this.#broken = error as Error;
      throw error;
    }
  }
}

/** Returns the position behind the last byte. */
async function writeAll(
  file: FileHandle,
  parts: readonly Uint8Array[],
  position: number,
): Promise<number> {
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  const { bytesWritten } = await file.writev(parts, position);
  if (bytesWritten === bytes) return position + bytes;
  // A disk that is nearly full takes a part; the rest tells why.
  const rest = Buffer.concat(parts).subarray(bytesWritten);
  return writeAll(file, [rest], position + bytesWritten);
}
