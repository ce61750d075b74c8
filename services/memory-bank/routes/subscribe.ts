import type { SubscribeResponse } from '#proto/rrd/v1/SubscribeResponse.js';
import { InvalidRequestError } from '#runtime/errors.js';
import { toWireRows } from '#runtime/bank/wire-rows.js';
import type { Attached, BankQueue } from '../bank-queue.js';
import type { Context, Routes } from '../context.js';
import type { Delta } from '../history.js';
import { type QueueSpec, validateCount } from '../queue-spec.js';
import { rowChunks } from '../row-chunks.js';
import { toWireState } from '../wire.js';

/**
 * See MemoryBankService.Subscribe. Every subscriber pulls from the queue's one
 * history at its own pace, so a slow one costs nothing but its own place.
 */
export const subscribe = (context: Context): Routes['subscribe'] =>
  async function* (request, { signal }) {
    const { queue: name, fromVersion, firstSlot, runId } = request;
    const { bank, events } = context;
    const queue = bank.get(name);
    if (firstSlot !== undefined) validateRest(queue, fromVersion, firstSlot);
    const changes = new Changes(queue, signal);
    events.subscribed(queue, fromVersion);
    try {
      let version = fromVersion;
      if (version === undefined || firstSlot !== undefined) {
        version ??= queue.state.version;
        yield* snapshotOf(context, queue, { firstSlot, runId });
      }
      yield* commitsAfter(version, queue, changes, context.config.heartbeatMs);
    } finally {
      changes.stop();
      events.unsubscribed(queue);
    }
  };

/** @throws VersionEvictedError, InvalidRequestError: it cannot be completed */
function validateRest(
  queue: BankQueue,
  fromVersion: number | undefined,
  firstSlot: number,
): void {
  validateCount('first_slot', firstSlot, 0, queue.spec.capacity - 1);
  if (fromVersion === undefined) {
    throw new InvalidRequestError({
      ...{ field: 'from_version', value: 'missing' },
      expected: 'that of the rows before first_slot',
    });
  }
  queue.deltaAfter(fromVersion);
}

/** The queue at its present version; its copy is freed once it is read. */
async function* snapshotOf(
  { bank }: Context,
  queue: BankQueue,
  { firstSlot = 0, runId }: { firstSlot: number | undefined; runId: string },
): AsyncGenerator<SubscribeResponse> {
  const memory = bank.reserveRows(queue.spec);
  try {
    const snapshot = queue.snapshot();
    const nextStep = queue.members.nextStepOf(runId);
    yield { snapshot: { state: toWireState(queue.state), nextStep } };
    const { featDim } = snapshot;
    const asked = snapshot.rows.subarray(firstSlot * featDim);
    for (const { first, rows } of rowChunks(asked, featDim)) {
      const wire = toWireRows(rows, queue.spec);
      const chunk = { firstSlot: firstSlot + first, rows: wire };
      yield { chunk };
    }
  } finally {
    memory.release();
  }
}

/** Every commit behind `version` in order, and heartbeats in between. */
async function* commitsAfter(
  version: number,
  queue: BankQueue,
  changes: Changes,
  heartbeatMs: number,
): AsyncGenerator<SubscribeResponse> {
  changes.reached(version);
  for (let last = version; ;) {
    const delta = queue.deltaAfter(last);
    if (delta !== undefined) {
      yield { delta: toWireDelta(delta, queue.spec) };
      last = delta.version;
      changes.reached(last);
    } else if (!(await changes.next(heartbeatMs))) {
      yield { heartbeat: { version: last } };
    }
  }
}

function toWireDelta({ rows, slots, ...delta }: Delta, spec: QueueSpec) {
  const wire = toWireRows(rows, spec);
  return { ...delta, rows: wire, ...(slots && { slots: [...slots] }) };
}

/** Wakes a subscriber when its queue changes; counts it until stopped. */
class Changes {
  readonly #attached: Attached;
  readonly #signal: AbortSignal;
  #wake = () => {};

  constructor(queue: BankQueue, signal: AbortSignal) {
    const wake = () => this.#wake();
    this.#attached = queue.attach(wake);
    this.#signal = signal;
    signal.addEventListener('abort', wake, { once: true });
  }

  reached(version: number): void {
    this.#attached.reached(version);
  }

  stop(): void {
    this.#attached.stop();
  }

  /**
   * Waits for a change; false if there is none within `ms`. Call it right
   * after looking: a change before the call is not reported.
   * @throws the signal's reason
   */
  async next(ms: number): Promise<boolean> {
    this.#signal.throwIfAborted();
    const changed = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
    this.#signal.throwIfAborted();
    return changed;
  }
}
