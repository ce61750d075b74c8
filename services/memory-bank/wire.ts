import type { QueueInit, QueueInit__Output } from '#proto/rrd/v1/QueueInit.js';
import type { QueueMember__Output } from '#proto/rrd/v1/QueueMember.js';
import type {
  QueueSpec as WireSpec,
  QueueSpec__Output,
} from '#proto/rrd/v1/QueueSpec.js';
import type { QueueState as WireState } from '#proto/rrd/v1/QueueState.js';
import {
  fromWirePrecision,
  toWirePrecision,
} from '#runtime/rpc/wire-precision.js';
import { InvalidRequestError } from '#runtime/errors.js';
import type { QueueState } from './bank-queue.js';
import type { Membership } from './members.js';
import { type QueueSpec, validateCount, validateName } from './queue-spec.js';

/** Proto messages <-> the bank's own types. */

const initNames = {
  rows: 'QUEUE_INIT_ROWS',
  columns: 'QUEUE_INIT_COLUMNS',
  uniform: 'QUEUE_INIT_UNIFORM',
} as const satisfies Record<QueueSpec['init'], QueueInit>;

export function toWireState(state: QueueState): WireState {
  const { spec, members, ...counters } = state;
  return { ...counters, members: [...members], spec: toWireSpec(spec) };
}

function toWireSpec({ init, precision, ...spec }: QueueSpec): WireSpec {
  return {
    ...spec,
    init: initNames[init],
    precision: toWirePrecision(precision),
  };
}

/** @throws InvalidRequestError; numbers and names are the bank's to check */
export function fromWireSpec(spec: QueueSpec__Output | null): QueueSpec {
  const wire = required('spec', spec);
  const { queue, capacity, featDim, seed, worldSize, momentum } = wire;
  const { teacherDigest, projectionSeed } = wire;
  // One by one: a message says of itself which optional fields it has, too.
  return {
    ...{ queue, capacity, featDim, seed, worldSize },
    ...{ teacherDigest, projectionSeed, init: fromWireInit(wire.init) },
    precision: fromWirePrecision(wire.precision),
    ...(momentum !== undefined && { momentum }),
    ...(wire.shared && { shared: true }),
  };
}

/**
 * Who joins; undefined where nobody can.
 * @throws InvalidRequestError
 */
export function fromWireMember(
  member: QueueMember__Output | null,
  { shared = false }: QueueSpec,
): Membership | undefined {
  if (!shared && !member) return undefined;
  if (!shared || !member) {
    throw new InvalidRequestError({
      field: 'member',
      value: member ? member.runId : 'missing',
      expected: shared
        ? 'the run that joins the shared queue'
        : 'none: the queue is not shared',
    });
  }
  const { runId, epoch, nextStep } = member;
  validateName('member.run_id', runId);
  validateCount('member.epoch', epoch, 0);
  validateCount('member.next_step', nextStep, 0);
  return { runId, epoch, nextStep };
}

function fromWireInit(init: QueueInit__Output): QueueSpec['init'] {
  for (const [name, wire] of Object.entries(initNames))
    if (wire === init) return name as QueueSpec['init'];
  const expected = Object.values(initNames).join(' or ');
  throw new InvalidRequestError({ field: 'spec.init', value: init, expected });
}

/** A message that proto3 cannot require. @throws InvalidRequestError */
export function required<T>(field: string, value: T | null | undefined): T {
  if (value !== null && value !== undefined) return value;
  const expected = 'a message';
  throw new InvalidRequestError({ field, value: 'missing', expected });
}
