import type { Records } from '#runtime/bus/bus.js';
import { NotLeaderError } from '#runtime/errors.js';
import type { Clock } from '#runtime/rpc/retry.js';
import {
  bystander,
  claimed,
  claimOf,
  lapsed,
  leaderRecordSchema,
  sighted,
  type Candidate,
  type Claim,
  type Leadership,
} from './leadership.js';
import { mayHaveHappened } from './run-store.js';

/** The one record of `leaderBucket`. */
const key = 'orchestrator';

/** Looks, and renewals, in the time of a lease. */
const looksPerLease = 5;
const retryMs = 50;

export interface ElectorOptions {
  readonly records: Records;
  readonly candidate: Candidate;
  readonly clock: Clock;
  /** Hears of a new leader, or of none; at once, whatever else goes on. */
  readonly onChange: (state: Leadership) => void;
  readonly onInterrupted: (error: unknown) => void;
}

/** Looks at the lease, takes it when it is free and renews it, until closed. */
export class Elector {
  readonly #options: ElectorOptions;
  readonly #closing = new AbortController();
  #state: Leadership = bystander;
  #turn: Promise<unknown> = Promise.resolve();
  #expiry: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();

  constructor(options: ElectorOptions) {
    this.#options = options;
  }

  /** Takes the lease now if it is free. */
  async start(): Promise<void> {
    await this.#look();
    this.#looking = this.#keepLooking();
  }

  /** Whether this process leads in `epoch`, by its own clock, at this moment. */
  holds(epoch: number): boolean {
    const state = this.#lapsed();
    return state.role === 'leader' && state.epoch === epoch;
  }

  /**
   * Renews the lease of `epoch` now: what was written before is then known to
   * have been written by the leader.
   * @throws NotLeaderError
   */
  async prove(epoch: number): Promise<void> {
    const { clock } = this.#options;
    const begunMs = clock.now();
    while (this.holds(epoch)) {
      await this.#look();
      const state = this.#lapsed();
      if (state.role === 'leader' && state.renewedMs >= begunMs) return;
      await clock.sleep(retryMs);
    }
    throw new NotLeaderError({ leader: '' });
  }

  /** Leads no more in `epoch`, and stands again. */
  resign(epoch: number): void {
    const { candidate, clock } = this.#options;
    const state = this.#state;
    if (state.role !== 'leader' || state.epoch !== epoch) return;
    const afterLease = clock.now() + candidate.leaseMs;
    this.#become(lapsed(state, candidate, afterLease));
  }

  /** Lets go of the lease, so that another one has it at its next look. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#looking;
    const { records, candidate } = this.#options;
    const state = this.#lapsed();
    this.#become(bystander);
    if (state.role === 'standby') return;
    const { epoch, revision } = state;
    const free = { ...candidate, holder: '', epoch };
    await records
      .update(key, free, revision)
      .catch(this.#options.onInterrupted);
  }

  async #keepLooking(): Promise<void> {
    const { candidate, clock } = this.#options;
    const { signal } = this.#closing;
    const pauseMs = candidate.leaseMs / looksPerLease;
    while (!signal.aborted) {
      await clock.sleep(pauseMs, signal).catch(() => undefined);
      if (!signal.aborted) await this.#look();
    }
  }

  /** One look after the other; what the bus does not give now, it may later. */
  #look(): Promise<void> {
    const look = this.#turn.then(() =>
      this.#lookOnce().catch(this.#options.onInterrupted),
    );
    this.#turn = look;
    return look;
  }

  async #lookOnce(): Promise<void> {
    const { candidate, clock } = this.#options;
    if (this.#lapsed().role === 'standby') await this.#read();
    const claim = claimOf(this.#state, candidate, clock.now());
    if (claim) await this.#write(claim);
  }

  async #read(): Promise<void> {
    const { records, candidate, clock } = this.#options;
    const entry = await records.get(key);
    const record = leaderRecordSchema.safeParse(entry?.value).data;
    const found = { record, revision: entry?.revision };
    this.#become(sighted(this.#state, found, candidate, clock.now()));
  }

  async #write(claim: Claim): Promise<void> {
    const { records, clock } = this.#options;
    const { record, revision } = claim;
    const begunMs = clock.now();
    try {
      const written =
        revision === undefined
          ? await records.create(key, record)
          : await records.update(key, record, revision);
      const times = { begunMs, nowMs: clock.now() };
      this.#become(claimed(this.#state, claim, written, times));
    } catch (error) {
      if (!mayHaveHappened(error)) throw error;
      await this.#read();
    }
  }

  #lapsed(): Leadership {
    const { candidate, clock } = this.#options;
    this.#become(lapsed(this.#state, candidate, clock.now()));
    return this.#state;
  }

  #become(state: Leadership): void {
    const before = this.#state;
    this.#state = state;
    if (state === before) return;
    clearTimeout(this.#expiry);
    if (state.role === 'leader') {
      const { candidate, clock } = this.#options;
      const leftMs = state.renewedMs + candidate.leaseMs - clock.now();
      this.#expiry = setTimeout(() => this.#lapsed(), leftMs + 1);
    }
    if (roleOf(state) !== roleOf(before)) this.#options.onChange(state);
  }
}

/** What makes a difference to those around: who leads, and since which epoch. */
function roleOf(state: Leadership): string {
  if (state.role === 'leader') return `leader ${state.epoch}`;
  const { record } = state.seen ?? {};
  return `standby ${record?.epoch} ${record?.holder} ${record?.address}`;
}
