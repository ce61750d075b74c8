import type { SubscribeResponse } from '#proto/rrd/v1/SubscribeResponse.js';
import { toWireRows } from '#runtime/bank/wire-rows.js';
import type { Attached, BankQueue } from '../bank-queue.js';
import type { Context, Routes } from '../context.js';
import type { Delta } from '../history.js';
import type { QueueSpec } from '../queue-spec.js';
import { rowChunks } from '../row-chunks.js';
import { toWireState } from '../wire.js';

/**
 * See MemoryBankService.Subscribe. Every subscriber pulls from the queue's one
 * history at its own pace, so a slow one costs nothing but its own place.
 */
export const subscribe = (context: Context): Routes['subscribe'] =>
  async function* ({ queue: name, fromVersion }, { signal }) {
    const { bank, events } = context;
    const queue = bank.get(name);
    const changes = new Changes(queue, signal);
    events.subscribed(queue, fromVersion);
    try {
      let version = fromVersion;
      if (version === undefined) {
        version = queue.state.version;
        yield* snapshotOf(context, queue);
      }
      yield* commitsAfter(version, queue, changes, context.config.heartbeatMs);
    } finally {
      changes.stop();
      events.unsubscribed(queue);
    }
  };

/** The queue at its present version; its copy is freed once it is read. */
async function* snapshotOf(
  { bank }: Context,
  queue: BankQueue,
): AsyncGenerator<SubscribeResponse> {
  const memory = bank.reserveRows(queue.spec);
  try {
    const snapshot = queue.snapshot();
    yield { snapshot: { state: toWireState(queue.state) } };
    for (const { first, rows } of rowChunks(snapshot.rows, snapshot.featDim)) {
      const chunk = { firstSlot: first, rows: toWireRows(rows, queue.spec) };
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
