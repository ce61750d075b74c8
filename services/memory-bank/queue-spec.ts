import type { Precision } from '#distill/precision.js';
import { InvalidRequestError, QueueConflictError } from '#runtime/errors.js';

/** What a queue is; two specs are the same queue only if all fields are equal. */
export interface QueueSpec {
  readonly queue: string;
  /** Rows held (K). */
  readonly capacity: number;
  /** Width of a row. */
  readonly featDim: number;
  readonly seed: number;
  readonly init: 'rows' | 'columns' | 'uniform';
  /** Ranks whose rows make a step. */
  readonly worldSize: number;
  readonly teacherDigest: string;
  readonly projectionSeed: number;
  /** How rows are held, and how they travel. */
  readonly precision: Precision;
  /** Makes it a memory of `capacity` samples: see `SampleMemory.move`. */
  readonly momentum?: number;
  /** Only runs that join it feed it, each under an epoch of its own. */
  readonly shared?: boolean;
}

const maxNameLength = 256;
const maxWorldSize = 1024;
const maxFeatDim = 65_536;

/** @throws InvalidRequestError */
export function validateSpec(spec: QueueSpec): void {
  validateName('queue', spec.queue);
  validateName('teacher_digest', spec.teacherDigest);
  validateCount('capacity', spec.capacity, 1);
  validateCount('feat_dim', spec.featDim, 1, maxFeatDim);
  validateCount('world_size', spec.worldSize, 1, maxWorldSize);
  validateCount('seed', spec.seed, 0);
  validateCount('projection_seed', spec.projectionSeed, 0);
  validateMomentum(spec);
}

function validateMomentum({ init, momentum, precision }: QueueSpec): void {
  if (momentum !== undefined && !(momentum >= 0 && momentum < 1)) {
    const expected = 'at least 0 and less than 1';
    const field = 'momentum';
    throw new InvalidRequestError({ field, value: momentum, expected });
  }
  if (momentum !== undefined && precision !== 'float32') {
    const expected = 'float32, with a momentum';
    const field = 'precision';
    throw new InvalidRequestError({ field, value: precision, expected });
  }
  if ((init === 'uniform') === (momentum !== undefined)) return;
  throw new InvalidRequestError({
    field: 'init',
    value: init,
    expected:
      momentum === undefined
        ? 'rows or columns, without a momentum'
        : 'uniform, with a momentum',
  });
}

/** Names come from callers and are kept: they have a length limit. */
export function validateName(field: string, name: string): void {
  if (name.length >= 1 && name.length <= maxNameLength) return;
  throw new InvalidRequestError({
    field,
    value: `${name.length} characters long`,
    expected: `1 to ${maxNameLength} characters`,
  });
}

/** A 64-bit number arrives inexact beyond 2^53 and is then refused. */
export function validateCount(
  field: string,
  value: number,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  const expected = `an integer from ${least} to ${most}`;
  throw new InvalidRequestError({ field, value, expected });
}

/** @throws QueueConflictError naming the first field that differs */
export function requireSame(
  present: { readonly spec: QueueSpec; readonly epoch: number },
  spec: QueueSpec,
  epoch: number,
): void {
  const wanted = { momentum: undefined, shared: undefined, ...spec, epoch };
  const actual = { ...present.spec, epoch: present.epoch };
  for (const field of Object.keys(wanted) as (keyof typeof wanted)[]) {
    if (wanted[field] === actual[field]) continue;
    throw new QueueConflictError({
      queue: spec.queue,
      field,
      expected: wanted[field] ?? 'none',
      actual: actual[field] ?? 'none',
    });
  }
}
