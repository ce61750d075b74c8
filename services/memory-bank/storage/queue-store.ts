import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BankStorageError } from '#runtime/errors.js';
import type { BankQueue, Taken } from '../bank-queue.js';
import type { Submission } from '../submission.js';
import type { Batch } from '../feeder.js';
import type { Delta } from '../history.js';
import type { Membership } from '../members.js';
import { syncFolder, writeWhole, type Fsync } from '#runtime/files.js';
import { LogWriter } from './log-writer.js';
import {
  manifestName,
  readManifest,
  writeManifest,
  type Manifest,
} from './manifest.js';
import { encodeRecord, type LogRecord } from './record.js';
import {
  segmentCount,
  segmentPath,
  segmentsBehind,
  writeSegment,
  type Segment,
} from './segments.js';

export interface StoreOptions {
  readonly fsync: Fsync;
  /** A log is folded into the rows when it is longer. */
  readonly logBytes: number;
  readonly onCheckpointFailed: (queue: string, error: unknown) => void;
}

/** Rows of commits that a new log starts with, for readers who lack them. */
const carriedBytes = 16 * 2 ** 20;

/** Where a store goes on in its folder. */
export interface StorePosition {
  readonly segments: readonly Segment[];
  readonly firstLog: number;
  readonly lastLog: number;
  readonly log: LogWriter;
  /** Rows committed since the segments were written. */
  readonly newRows: number;
}

/**
 * One queue in one folder: its rows as the last checkpoint left them, and a
 * log of every batch taken since, in order. The queue is a pure function of
 * the two, pending batches and recognised ids included.
 */
export class QueueStore {
  readonly #folder: string;
  readonly #queue: BankQueue;
  readonly #options: StoreOptions;
  readonly #log: LogWriter;
  readonly #writing = new Map<string, Promise<void>>();
  #segments: readonly Segment[];
  #firstLog: number;
  #lastLog: number;
  #newRows: number;
  #checkpointing: Promise<void> | undefined;
  /** What is still on its way to the log starts no checkpoint. */
  #isClosed = false;
  #nextCheckpointBytes: number;

  /** Writes a queue to a folder that holds none. */
  static async create(
    folder: string,
    queue: BankQueue,
    options: StoreOptions,
  ): Promise<QueueStore> {
    await mkdir(folder, { recursive: true });
    const { progress, rows, spec } = queue;
    const logBytes = await writeLog(folder, 0, carried(queue), options.fsync);
    const segments: Segment[] = [];
    for (let index = 0; index < segmentCount(spec); index++) {
      const at = { index, generation: 0 };
      segments.push(await writeSegment(folder, spec, rows, at, options.fsync));
    }
    const manifest = { progress, segments, firstLog: 0 };
    await writeManifest(folder, manifest, options.fsync);
    const path = logPath(folder, 0);
    const log = await LogWriter.open(path, logBytes, options.fsync);
    const position = { segments, firstLog: 0, lastLog: 0, log, newRows: 0 };
    return new QueueStore(folder, queue, position, options);
  }

  /** Use `create` or `openStore`. */
  constructor(
    folder: string,
    queue: BankQueue,
    position: StorePosition,
    options: StoreOptions,
  ) {
    this.#folder = folder;
    this.#queue = queue;
    this.#options = options;
    this.#log = position.log;
    this.#segments = position.segments;
    this.#firstLog = position.firstLog;
    this.#lastLog = position.lastLog;
    this.#newRows = position.newRows;
    this.#nextCheckpointBytes = options.logBytes;
  }

  get queue(): BankQueue {
    return this.#queue;
  }

  /** See Journal.enqueue. */
  async enqueue(batch: Submission): Promise<Taken> {
    const id = JSON.stringify([batch.runId, batch.step, batch.rank]);
    if (!this.#queue.accept(batch)) {
      await this.#writing.get(id); // an acknowledgement promises as much
      return { duplicate: true, commits: [] };
    }
    const commits: Delta[] = [];
    const written = this.#append(batch, commits);
    this.#writing.set(id, written);
    try {
      await written;
    } finally {
      this.#writing.delete(id);
    }
    this.#checkpointIfDue();
    return { duplicate: false, commits };
  }

  /** A run that was accepted joins. */
  join(member: Membership): Promise<void> {
    const record = { kind: 'join' as const, ...member };
    return this.#keep(record, () => this.#queue.members.settleJoin(member));
  }

  /** A run that was accepted leaves. */
  leave(runId: string): Promise<void> {
    const record = { kind: 'leave' as const, runId };
    return this.#keep(record, () => this.#queue.members.settleLeave(runId));
  }

  /** Frees what is open; the files stay. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#checkpointing;
    await this.#log.close();
  }

  /** Removes the queue from the disk. */
  async remove(): Promise<void> {
    await this.close();
    await removeStore(this.#folder);
  }

  async #append(batch: Batch, commits: Delta[]): Promise<void> {
    try {
      await this.#keep(recordOf(batch), () => {
        commits.push(...this.#queue.settle(batch));
        for (const { rows } of commits) {
          this.#newRows += rows.length / this.#queue.spec.featDim;
        }
      });
    } catch (error) {
      this.#queue.withdraw(batch);
      throw error;
    }
  }

  /** @throws BankStorageError; the record is then not in the log */
  async #keep(record: LogRecord, kept: () => void): Promise<void> {
    try {
      await this.#log.append(record, kept);
    } catch (error) {
      throw storageError(this.#queue, error);
    }
  }

  #checkpointIfDue(): void {
    if (this.#isClosed || this.#checkpointing) return;
    if (this.#log.bytes < this.#nextCheckpointBytes) return;
    const { queue } = this.#queue.spec;
    const failed = (error: unknown) =>
      this.#options.onCheckpointFailed(queue, error);
    this.#checkpointing = this.#checkpoint()
      .catch((error: unknown) => {
        failed(error);
        return this.#removeFailed();
      })
      .catch(failed)
      .finally(() => {
        this.#nextCheckpointBytes = this.#log.bytes + this.#options.logBytes;
        this.#checkpointing = undefined;
      });
  }

  /**
   * Folds the log into the rows while batches go on coming: a new log, the
   * changed segments, then the manifest that makes both valid. A crash in
   * between leaves the old manifest, and both logs to replay.
   */
  async #checkpoint(): Promise<void> {
    const { fsync } = this.#options;
    const { spec } = this.#queue;
    const isMemory = spec.momentum !== undefined;
    let { rows } = this.#queue;
    const generation = this.#lastLog + 1;
    let progress = this.#queue.progress;
    let newRows = 0;
    await this.#log.switchTo(async () => {
      // Nothing is committed in here, so these belong together.
      progress = this.#queue.progress;
      newRows = this.#newRows;
      // Replaying a log moves a memory's rows again, so none may be newer.
      if (isMemory) rows = rows.slice();
      const records = carried(this.#queue);
      const log = await nextLog(this.#folder, generation, records, fsync);
      this.#lastLog = generation;
      return log;
    });
    const segments = [...this.#segments];
    const changed = isMemory ? spec.capacity : newRows;
    for (const index of segmentsBehind(spec, progress.pointer, changed)) {
      const at = { index, generation };
      segments[index] = await writeSegment(
        ...([this.#folder, spec, rows, at, fsync] as const),
      );
    }
    const manifest = { progress, segments, firstLog: generation };
    await writeManifest(this.#folder, manifest, fsync);
    this.#newRows -= newRows;
    this.#segments = segments;
    this.#firstLog = generation;
    await removeLeftovers(this.#folder, manifest);
  }

  /** Frees what a failed checkpoint wrote: the disk may be full of it. */
  async #removeFailed(): Promise<void> {
    const manifest = await readManifest(this.#folder);
    // Else its manifest is there, and only a sync failed: a power cut may yet
    // bring back the old one. The next checkpoint removes what is left over.
    if (manifest.firstLog === this.#firstLog)
      await removeLeftovers(this.#folder, manifest);
  }
}

/** Without its manifest a folder is nothing, so that goes first. */
export async function removeStore(folder: string): Promise<void> {
  await rm(join(folder, manifestName), { force: true });
  await syncFolder(folder).catch(() => {});
  await rm(folder, { recursive: true, force: true });
}

/**
 * Removes what a manifest has no use for: what was folded into its rows, and
 * what was written by a checkpoint that has not come to a manifest of its own.
 */
export async function removeLeftovers(
  folder: string,
  { segments, firstLog }: Manifest,
): Promise<void> {
  const logs = (await logsIn(folder)).filter((number) => number >= firstLog);
  const needed = new Set([
    join(folder, manifestName),
    ...segments.map(({ generation }, i) => segmentPath(folder, i, generation)),
    ...logs.map((number) => logPath(folder, number)),
  ]);
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (!needed.has(path)) await rm(path, { recursive: true, force: true });
  }
}

export function logPath(folder: string, number: number): string {
  return join(folder, `log-${number}.bin`);
}

/** Numbers of the logs in a folder, in order. */
export async function logsIn(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  return names
    .map((name) => Number(/^log-(\d+)\.bin$/.exec(name)?.[1] ?? NaN))
    .filter((number) => !Number.isNaN(number))
    .sort((a, b) => a - b);
}

export function storageError(queue: BankQueue, error: unknown): Error {
  if (!(error instanceof Error && 'code' in error)) return error as Error;
  const problem = String(error.code);
  const fields = { queue: queue.spec.queue, problem };
  return new BankStorageError(fields, { cause: error });
}

/** What a new log still owes: commits to readers, and pending batches. */
function carried(queue: BankQueue): LogRecord[] {
  const commits = queue.recent(carriedBytes);
  return [
    ...commits.map((delta) => ({ kind: 'commit' as const, ...delta })),
    ...queue.pending.map(recordOf),
  ];
}

function recordOf(batch: Batch): LogRecord {
  const { runId, step, rank, traceparent, rows, slots } = batch;
  const ids = { runId, step, rank, traceparent };
  return { kind: 'batch', ...ids, ...(slots && { slots }), rows };
}

/** A log to go on in, whole or not there. */
async function nextLog(
  folder: string,
  number: number,
  records: readonly LogRecord[],
  fsync: Fsync,
): Promise<LogWriter> {
  const path = logPath(folder, number);
  try {
    const bytes = await writeLog(folder, number, records, fsync);
    return await LogWriter.open(path, bytes, fsync);
  } catch (error) {
    // A log that is cut off by a crash must be the last one.
    await rm(path, { force: true });
    throw error;
  }
}

async function writeLog(
  folder: string,
  number: number,
  records: readonly LogRecord[],
  fsync: Fsync,
): Promise<number> {
  const parts = records.flatMap(encodeRecord);
  await writeWhole(logPath(folder, number), parts, fsync);
  if (fsync !== 'never') await syncFolder(folder);
  return parts.reduce((sum, part) => sum + part.length, 0);
}
