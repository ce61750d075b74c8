import { InvalidRequestError } from '../errors.js';

/**
 * Every name on the bus. Services meet here and in proto/, nowhere else.
 * A token is what stands between two dots of a subject.
 */
export const subjects = {
  /** What a worker tells about a run; types in run-events.ts. */
  runEvent: (runId: string) => `rrd.v1.run.${runId}.event`,
  everyRunEvent: 'rrd.v1.run.*.event',
  /** What the orchestrator makes of it; type in run-events.ts. */
  runTransition: (runId: string) => `rrd.v1.run.${runId}.transition`,
  /** Requests to a run's workers to stop; type in run-events.ts. */
  runCancel: (runId: string) => `rrd.v1.run.${runId}.cancel`,
  /** A bank queue whose rows or readers are alarming; see docs/memory-bank.md. */
  bankAlarm: 'rrd.v1.bank.alarm',
  /** Work that went through `maxDeliveries` takers: `{ work, deliveries }`. */
  dropped: (queue: string) => `rrd.v1.dropped.${queue}`,
} as const;

/** The work queue of runs; items are `RunWork` of run-events.ts. */
export const runsQueue = 'runs';

/** The bucket of the orchestrator's records, by run id. */
export const runsBucket = 'runs';

/** The bucket of what the orchestrator keeps of runs that it has forgotten. */
export const attemptsBucket = 'attempts';

/** The bucket of the lease of the orchestrator that owns the runs. */
export const leaderBucket = 'leader';

const prefix = 'rrd.v1.';
const token = /^[A-Za-z0-9_-]{1,64}$/;

/** Whether `name` may be a queue, a bucket, a record's key or a run id. */
export function isToken(name: string): boolean {
  return token.test(name);
}

/** @throws InvalidRequestError */
export function checkToken(field: string, name: string): void {
  if (isToken(name)) return;
  throw new InvalidRequestError({
    field,
    value: JSON.stringify(name.slice(0, 80)),
    expected: '1 to 64 letters, digits, - or _',
  });
}

/** @throws InvalidRequestError unless events may be stored under `subject`. */
export function checkSubject(subject: string): void {
  if (subject.startsWith(prefix) && subject.split('.').every(isToken)) return;
  throw new InvalidRequestError({
    field: 'subject',
    value: JSON.stringify(subject.slice(0, 80)),
    expected: `${prefix} and tokens of letters, digits, - or _`,
  });
}

/** @throws InvalidRequestError unless `pattern` can match subjects. */
export function checkPattern(pattern: string): void {
  const tokens = pattern.split('.');
  const plain = tokens.map((part, i) => {
    const isWild = part === '*' || (part === '>' && i === tokens.length - 1);
    return isWild ? 'any' : part;
  });
  checkSubject(plain.join('.'));
}

/** Whether `subject` matches: `*` is one token, a final `>` one or more. */
export function matches(pattern: string, subject: string): boolean {
  const wanted = pattern.split('.');
  const actual = subject.split('.');
  const open = wanted.at(-1) === '>';
  if (open ? actual.length < wanted.length : actual.length !== wanted.length) {
    return false;
  }
  const fixed = open ? wanted.slice(0, -1) : wanted;
  return fixed.every((part, i) => part === '*' || part === actual[i]);
}

/** The run that a subject of `subjects.runEvent` or `runCancel` is about. */
export function runIdOf(subject: string): string | undefined {
  return /^rrd\.v1\.run\.([^.]+)\.(?:event|cancel)$/.exec(subject)?.[1];
}
