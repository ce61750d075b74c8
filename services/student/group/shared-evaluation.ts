import { forwardBatchSize } from '#runtime/forward.js';
import { InvalidRequestError } from '#runtime/errors.js';
import type { TrainerApi } from '../trainer-api.js';
import { type Share, shareOf } from './shares.js';

/** What travels for an evaluation. */
export type EvaluationPart = 'statistics' | 'classes';

/** The other workers of a team, for what is no part of a step. */
export interface Others {
  /** Workers, ourselves included. */
  readonly size: number;
  /** Ours among them; the chief's is 0. */
  readonly place: number;
  /** @param step that comes next */
  send(to: number, step: number, kind: EvaluationPart, bytes: Uint8Array): void;
  /** Rejects once the team is none any more. */
  hear(
    from: number,
    step: number,
    kind: EvaluationPart,
  ): Promise<Uint8Array<ArrayBuffer>>;
}

/** Where a share is computed. */
export interface EvaluationPlace {
  readonly thread: Pick<TrainerApi, 'classify'>;
  /** Bounds a call of the thread in time. */
  readonly compute: <T>(work: Promise<T>) => Promise<T>;
  readonly testSize: number;
}

const chief = 0;
const classBytes = 4;

/** Of the messages of an evaluation. */
export function maxEvaluationBytes(testSize: number): number {
  return testSize * classBytes;
}

/**
 * The share of the test split of the worker at `place`: whole batches, so that
 * each is computed as one worker alone would, bit for bit.
 */
export function testShareOf(
  testSize: number,
  size: number,
  place: number,
): Share {
  const batches = Math.ceil(testSize / forwardBatchSize);
  const { start, end } = shareOf(batches, size, place);
  const sampleOf = (batch: number) =>
    Math.min(batch * forwardBatchSize, testSize);
  return { start: sampleOf(start), end: sampleOf(end) };
}

/**
 * The class found for every sample of the test split, by all workers together.
 * What a worker does not find, because it is gone, the chief finds itself.
 * @param others undefined where there are none
 * @param step that comes next
 */
export async function classifyTogether(
  place: EvaluationPlace & {
    readonly thread: Pick<TrainerApi, 'readStatistics'>;
  },
  others: Others | undefined,
  step: number,
): Promise<Int32Array> {
  const { thread, compute, testSize } = place;
  const size = others?.size ?? 1;
  const shares = Array.from({ length: size }, (_, i) =>
    testShareOf(testSize, size, i),
  );
  const elsewhere = shares.flatMap((share, from) =>
    from === chief || isEmpty(share) ? [] : [from],
  );
  if (others && elsewhere.length > 0) {
    const statistics = await compute(thread.readStatistics());
    for (const to of elsewhere) others.send(to, step, 'statistics', statistics);
  }
  const classes = new Int32Array(testSize);
  for (const [from, share] of shares.entries()) {
    if (isEmpty(share)) continue;
    const found = elsewhere.includes(from)
      ? await foundBy(others!, from, step, share, compute)
      : undefined;
    classes.set(found ?? (await compute(thread.classify(share))), share.start);
  }
  return classes;
}

/** A member's part of the same. */
export async function classifyOwnShare(
  { thread, compute, testSize }: EvaluationPlace,
  others: Others,
  step: number,
): Promise<void> {
  const share = testShareOf(testSize, others.size, others.place);
  if (isEmpty(share)) return;
  const statistics = await others.hear(chief, step, 'statistics');
  const classes = await compute(thread.classify(share, statistics));
  const { buffer, byteOffset, byteLength } = classes;
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  others.send(chief, step, 'classes', bytes);
}

/** Undefined where the worker is gone, or takes longer than a call may. */
async function foundBy(
  others: Others,
  from: number,
  step: number,
  { start, end }: Share,
  compute: EvaluationPlace['compute'],
): Promise<Int32Array | undefined> {
  const coming = compute(others.hear(from, step, 'classes'));
  const bytes = await coming.catch(() => undefined);
  const expected = (end - start) * classBytes;
  if (bytes === undefined || bytes.length === expected)
    return bytes && new Int32Array(bytes.buffer);
  const field = 'total_bytes of classes';
  throw new InvalidRequestError({ field, value: bytes.length, expected });
}

function isEmpty({ start, end }: Share): boolean {
  return start === end;
}
