import { type Precision, storedRows } from '#distill/precision.js';
import { CorruptFileError, DomainError } from '#runtime/errors.js';
import { BankQueue, type QueueLimits } from '../bank-queue.js';
import type { Delta } from '../history.js';
import { adoptRows, type QueueRows } from '../queue-rows.js';
import { validateSpec } from '../queue-spec.js';
import { readBounded } from '#runtime/files.js';
import { LogWriter } from './log-writer.js';
import { readManifest, type Manifest } from './manifest.js';
import {
  logPath,
  logsIn,
  QueueStore,
  removeLeftovers,
  type StoreOptions,
} from './queue-store.js';
import { decodeLog, type LogRecord } from './record.js';
import { readSegment, segmentCount } from './segments.js';

/** Node reads no larger file at once. */
const maxLogBytes = 2 ** 31 - 1;

/**
 * Reads a queue back: its rows, then every batch of its logs again.
 * @param manifest of `folder`; memory for its rows is the caller's business
 * @throws CorruptFileError
 */
export async function openStore(
  folder: string,
  manifest: Manifest,
  limits: QueueLimits,
  options: StoreOptions,
): Promise<QueueStore> {
  const { progress, segments, firstLog } = manifest;
  const { version } = progress;
  const { precision } = progress.spec;
  const logs = await readLogs(folder, firstLog, precision);
  const rows = await readRows(folder, manifest);
  const recent = commitsOf(logs[0]!.records, version, logs[0]!.path);
  const queue = BankQueue.resume(progress, rows, recent, limits);
  let newRows = 0;
  for (const { records, path } of logs) {
    newRows += replay(queue, records, path);
  }
  // Only now: of a damaged queue all is put aside.
  await removeLeftovers(folder, manifest);
  const last = logs.at(-1)!;
  const log = await LogWriter.open(last.path, last.wholeBytes, options.fsync);
  const lastLog = last.number;
  const position = { segments, firstLog, lastLog, log, newRows };
  return new QueueStore(folder, queue, position, options);
}

/** @throws CorruptFileError; also for a spec that no bank could have kept */
export async function readCheckedManifest(folder: string): Promise<Manifest> {
  const manifest = await readManifest(folder);
  const { spec, pointer } = manifest.progress;
  try {
    validateSpec(spec);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    throw new CorruptFileError({ path: folder, problem: error.message });
  }
  if (
    manifest.segments.length !== segmentCount(spec) ||
    pointer >= spec.capacity
  )
    throw new CorruptFileError({ path: folder, problem: 'wrong counts' });
  return manifest;
}

interface ReadLog {
  readonly number: number;
  readonly path: string;
  readonly records: LogRecord[];
  readonly wholeBytes: number;
}

async function readLogs(
  folder: string,
  firstLog: number,
  precision: Precision,
): Promise<ReadLog[]> {
  const numbers = (await logsIn(folder)).filter((n) => n >= firstLog);
  const logs: ReadLog[] = [];
  for (const [i, number] of numbers.entries()) {
    const path = logPath(folder, number);
    if (number !== firstLog + i) throw missing(logPath(folder, firstLog + i));
    const bytes = await readBounded(path, maxLogBytes);
    const log = decodeLog(bytes, path, precision);
    const isLast = i === numbers.length - 1;
    if (!isLast && log.wholeBytes !== bytes.length) {
      const problem = 'cut off, and another log follows';
      throw new CorruptFileError({ path, problem });
    }
    logs.push({ number, path, ...log });
  }
  if (logs.length === 0) throw missing(logPath(folder, firstLog));
  return logs;
}

function missing(path: string): CorruptFileError {
  return new CorruptFileError({ path, problem: 'missing' });
}

async function readRows(
  folder: string,
  { progress, segments }: Manifest,
): Promise<QueueRows> {
  const { spec, pointer, version } = progress;
  const { capacity, featDim, precision } = spec;
  const rows = storedRows(precision, capacity * featDim);
  for (const [index, segment] of segments.entries()) {
    await readSegment(folder, spec, rows, index, segment);
  }
  return adoptRows(spec, { rows, featDim, pointer, version });
}

/** The commits that the first log starts with: they lead up to `version`. */
function commitsOf(
  records: readonly LogRecord[],
  version: number,
  path: string,
): Delta[] {
  const commits = records.flatMap((record): Delta[] => {
    if (record.kind !== 'commit') return [];
    const { version, runId, step, rows, traceparent, slots } = record;
    const ids = { version, runId, step, traceparent };
    return [{ ...ids, rows, ...(slots && { slots }) }];
  });
  const first = version - commits.length + 1;
  const inOrder = commits.every((delta, i) => delta.version === first + i);
  if (inOrder) return commits;
  throw new CorruptFileError({ path, problem: 'commits out of order' });
}

/**
 * Hands all batches in again; those that are known already are what a newer
 * log carried over. Returns how many rows were committed.
 */
function replay(
  queue: BankQueue,
  records: readonly LogRecord[],
  path: string,
): number {
  let committed = 0;
  for (const record of records) {
    try {
      committed += replayRecord(queue, record);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      const problem = `its batches do not fit: ${error.message}`;
      throw new CorruptFileError({ path, problem });
    }
  }
  return committed;
}

/** Returns how many rows were committed. */
function replayRecord(queue: BankQueue, record: LogRecord): number {
  const { members, spec } = queue;
  const { teacherDigest, featDim } = spec;
  if (record.kind === 'join' && members.acceptJoin(record))
    members.settleJoin(record);
  if (record.kind === 'leave' && members.acceptLeave(record.runId))
    members.settleLeave(record.runId);
  if (record.kind !== 'batch') return 0;
  const epoch = members.epochOf(record.runId, queue.epoch);
  const batch = { ...record, epoch, teacherDigest, featDim };
  const { commits } = queue.enqueue(batch);
  return commits.reduce((sum, { rows }) => sum + rows.length / featDim, 0);
}
