import { setTimeout as sleep } from 'node:timers/promises';
import {
  DomainError,
  ServiceUnavailableError,
  TeacherMismatchError,
} from '#runtime/errors.js';
import {
  areDiscovered,
  parseAddresses,
  resolveAddresses,
  type Endpoint,
  type ReplicaAddress,
} from '#runtime/rpc/addresses.js';
import type { CallOptions } from '#runtime/rpc/client.js';
import {
  backoffMs,
  defaultRetryPolicy,
  isRetryable,
  systemClock,
} from '#runtime/rpc/retry.js';
import { isAbsence } from './patiently.js';
import type { TeacherDescription, TeacherDoor } from './teacher-door.js';
import {
  Replica,
  type ReplicaListener,
  type ReplicaSurroundings,
} from './teacher-replica.js';

export interface ReplicasOptions {
  /** `host:port`, or several: see `parseAddresses`. */
  readonly addresses: string;
  /** As errors name it. */
  readonly service: string;
  readonly open: (replica: ReplicaAddress) => TeacherDoor;
  readonly describeMs: number;
  /** One attempt of a call, where another replica could make the next. */
  readonly attemptMs: number;
  readonly listener: ReplicaListener;
  /** Other than the system's, in tests. */
  readonly resolve?: typeof resolveAddresses;
  /** How often names are looked up again; default 2 s. */
  readonly discoverMs?: number;
}

/**
 * All replicas of a run's teacher, in turn. Each must first prove to be the
 * very same teacher and ready for the run: a round robin of connections would
 * send work to whoever listens. One that fails to answer is out at once.
 */
export class TeacherReplicas {
  readonly #options: ReplicasOptions;
  readonly #endpoints: readonly Endpoint[];
  readonly #around: ReplicaSurroundings;
  readonly #replicas = new Map<string, Replica>();
  readonly #stop = new AbortController();
  readonly #waiting = new Set<() => void>();
  #description: TeacherDescription | undefined;
  #turn = 0;
  /** Of replicas that have left. */
  #earlierBytes = 0;

  /** Resolves when there is a teacher and all who answer agree on it. */
  static async open(
    options: ReplicasOptions,
    signal: AbortSignal,
  ): Promise<TeacherReplicas> {
    const { describeMs: ms, attemptMs } = options;
    const replicas = new TeacherReplicas(options);
    try {
      const asked = replicas.#discover();
      void replicas.#keepDiscovering();
      const next = replicas.#next({ started: performance.now(), ms, signal });
      // Nobody can be called where the credentials cannot be read, say.
      await Promise.race([next, rejectionOf(asked)]);
      // Who is slow may be loading still, and is compared when it joins.
      await orLater(asked, attemptMs, signal);
      replicas.#refuseStrangers();
      return replicas;
    } catch (error) {
      replicas.close();
      throw error;
    }
  }

  private constructor(options: ReplicasOptions) {
    this.#options = options;
    this.#endpoints = parseAddresses(options.addresses);
    this.#around = {
      describeMs: options.describeMs,
      listener: options.listener,
      signal: this.#stop.signal,
      admit: (address, description) => this.#admit(address, description),
      changed: () => this.#changed(),
    };
  }

  get description(): TeacherDescription {
    if (!this.#description) throw new Error('nobody has joined yet');
    return this.#description;
  }

  /** Bytes of messages of all of them, both ways. */
  get bytes(): number {
    const open = [...this.#replicas.values()];
    return open.reduce((sum, { door }) => sum + door.bytes, this.#earlierBytes);
  }

  /**
   * Makes a call that may be repeated, on one replica after another.
   * @param ms for all attempts together
   * @throws ServiceUnavailableError when the time is over
   * @throws TeacherMismatchError if only other teachers are left
   */
  async call<T>(
    { ms, signal }: { ms: number; signal: AbortSignal },
    attempt: (door: TeacherDoor, options: CallOptions) => Promise<T>,
  ): Promise<T> {
    const started = performance.now();
    for (let number = 1; ; number++) {
      const replica = await this.#next({ started, ms, signal });
      const leftMs = Math.max(1, ms - (performance.now() - started));
      const { attemptMs } = this.#options;
      const deadlineMs =
        this.#ready.length > 1 ? Math.min(leftMs, attemptMs) : leftMs;
      try {
        return await replica.use((door) =>
          attempt(door, { signal, deadlineMs }),
        );
      } catch (error) {
        signal.throwIfAborted();
        const waitMs = this.#judge(replica, error, number);
        if (waitMs > leftMs) throw error;
        await systemClock.sleep(waitMs, signal);
      }
    }
  }

  close(): void {
    this.#stop.abort();
    for (const { door } of this.#replicas.values()) door.close();
  }

  /** @returns the wait before the next attempt; throws what is final */
  #judge(replica: Replica, error: unknown, attempt: number): number {
    if (error instanceof TeacherMismatchError) {
      replica.refuse(error);
      return 0;
    }
    if (isAbsence(error) || isUnavailable(error)) {
      replica.lose(error);
      return 0;
    }
    if (!isRetryable(error)) throw error;
    // It is busy; somebody else may not be.
    if (attempt < this.#ready.length) return 0;
    const afterMs = error.retryAfterMs ?? 0;
    return backoffMs(defaultRetryPolicy, attempt, afterMs, Math.random());
  }

  get #ready(): Replica[] {
    return [...this.#replicas.values()].filter(({ ready }) => ready);
  }

  /** The replica whose turn it is, as soon as there is one. */
  async #next(wait: {
    started: number;
    ms: number;
    signal: AbortSignal;
  }): Promise<Replica> {
    const { started, ms, signal } = wait;
    for (;;) {
      signal.throwIfAborted();
      const ready = this.#ready;
      if (ready.length > 0) return ready[this.#turn++ % ready.length]!;
      this.#refuseIfAllAreRefused();
      const waitedMs = Math.round(performance.now() - started);
      if (waitedMs >= ms) {
        const { service, addresses: address } = this.#options;
        throw new ServiceUnavailableError({ service, address, waitedMs });
      }
      await this.#change(ms - waitedMs, signal);
    }
  }

  #refuseIfAllAreRefused(): void {
    const all = [...this.#replicas.values()];
    const refused = all.filter(({ state }) => state === 'refused');
    if (all.length > 0 && refused.length === all.length) {
      throw refused[0]?.refusal;
    }
  }

  /** Two teachers behind one setting: nobody can know which was meant. */
  #refuseStrangers(): void {
    for (const { refusal } of this.#replicas.values()) {
      if (refusal instanceof TeacherMismatchError) throw refusal;
    }
  }

  #admit(source: string, description: TeacherDescription): void {
    this.#description ??= description;
    const { digest: expected } = this.#description;
    const { digest: actual } = description;
    if (actual === expected) return;
    throw new TeacherMismatchError({ source, expected, actual });
  }

  async #keepDiscovering(): Promise<void> {
    if (!areDiscovered(this.#endpoints)) return;
    const { signal } = this.#stop;
    const { discoverMs = 2_000 } = this.#options;
    const options = { signal, ref: false };
    while (!signal.aborted) {
      await sleep(discoverMs, undefined, options).catch(() => undefined);
      this.#discover().catch((error: unknown) => {
        const { listener, addresses } = this.#options;
        if (!signal.aborted) listener.refused(addresses, error);
      });
    }
  }

  /**
   * Resolves when each new replica has joined, was refused or is away; rejects
   * if one cannot be called at all.
   */
  async #discover(): Promise<void> {
    const { resolve = resolveAddresses } = this.#options;
    const found = await resolve(this.#endpoints);
    // A name that nothing is known of may be a failure of the look-up.
    if (this.#stop.signal.aborted || found.length === 0) return;
    const addresses = new Set(found.map(({ address }) => address));
    for (const replica of this.#replicas.values()) {
      if (!addresses.has(replica.address)) this.#leave(replica);
    }
    const coming = found.filter(({ address }) => !this.#replicas.has(address));
    await Promise.all(coming.map((each) => this.#add(each).join()));
  }

  #add(found: ReplicaAddress): Replica {
    const door = this.#options.open(found);
    const replica = new Replica(found.address, door, this.#around);
    this.#replicas.set(found.address, replica);
    return replica;
  }

  #leave(replica: Replica): void {
    this.#replicas.delete(replica.address);
    this.#earlierBytes += replica.door.bytes;
    replica.leave();
  }

  #changed(): void {
    for (const wake of this.#waiting) wake();
  }

  /** Waits until a replica's state changes, or the time is over. */
  async #change(ms: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    const wake = () => woken.abort();
    this.#waiting.add(wake);
    const either = AbortSignal.any([signal, woken.signal]);
    await sleep(ms, undefined, { signal: either }).catch(() => undefined);
    this.#waiting.delete(wake);
  }
}

/** Waits for `work`, but no longer than `ms`; leaves no timer behind. */
async function orLater(
  work: Promise<unknown>,
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  const done = new AbortController();
  const either = AbortSignal.any([signal, done.signal]);
  try {
    await Promise.race([work, systemClock.sleep(ms, either)]);
  } finally {
    done.abort();
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof DomainError && error.status === 'UNAVAILABLE';
}

/** Rejects as `work` does, and stays silent if it succeeds. */
function rejectionOf(work: Promise<unknown>): Promise<never> {
  return new Promise((_, reject) => {
    work.catch(reject);
  });
}
