import type { Bus } from '#runtime/bus/bus.js';
import { NotLeaderError, ServiceUnavailableError } from '#runtime/errors.js';
import type { OrchestratorConfig } from './config.js';
import type { Routes } from './context.js';
import type { OrchestratorEvents } from './events.js';
import type { Lease } from './fenced-bus.js';
import { forwardingDesk, refusingDesk } from './forwarding.js';
import type { Leadership, LeaderRecord } from './leadership.js';
import { type Desk, startTerm } from './term.js';

export interface FrontDeskOptions {
  readonly bus: Bus;
  readonly config: OrchestratorConfig;
  readonly events: OrchestratorEvents;
  /** `host:port` at which others reach this process. */
  readonly address: string;
  readonly holds: (epoch: number) => boolean;
  readonly prove: (epoch: number) => Promise<void>;
  readonly resign: (epoch: number) => void;
  /** Hears whether calls are answered, here or by the leader. */
  readonly onServing: (isServing: boolean) => void;
}

/**
 * Who answers the calls of this process: its own term where it leads, the
 * leader where another one does, nobody in between.
 */
export class FrontDesk {
  readonly #options: FrontDeskOptions;
  #desk: Desk;
  #epoch: number | undefined;
  #turn: Promise<void> = Promise.resolve();
  /** Changes so far: only the newest one opens a desk. */
  #changes = 0;

  constructor(options: FrontDeskOptions) {
    this.#options = options;
    this.#desk = this.#refusing();
    options.onServing(false);
  }

  get routes(): Routes {
    // A process that was stopped may not have noticed yet.
    const isOver =
      this.#epoch !== undefined && !this.#options.holds(this.#epoch);
    return (isOver ? this.#refusing() : this.#desk).routes;
  }

  /** Resolves when no change is under way. */
  settled(): Promise<void> {
    return this.#turn;
  }

  /** At once nobody answers; then, whoever does from now on. */
  change(state: Leadership): void {
    const change = ++this.#changes;
    const before = this.#desk;
    const leader = leaderOf(state);
    this.#open(this.#refusing(leader?.address), false);
    this.#options.events.leadershipChanged(state);
    this.#turn = this.#turn.then(async () => {
      await before.close(this.#refusal());
      if (change === this.#changes) await this.#follow(state, leader);
    });
  }

  async close(): Promise<void> {
    this.#changes++;
    const before = this.#desk;
    this.#open(this.#refusing(), false);
    await this.#turn;
    await before.close(this.#refusal());
  }

  async #follow(
    state: Leadership,
    leader: LeaderRecord | undefined,
  ): Promise<void> {
    if (state.role === 'leader') return this.#lead(state.epoch);
    const { address, config } = this.#options;
    // At its own address there is nobody else: that one is dead.
    if (!leader || leader.address === address) return;
    this.#open(forwardingDesk(leader.address, config.tls), true);
  }

  async #lead(epoch: number): Promise<void> {
    const { bus, config, events } = this.#options;
    const change = this.#changes;
    try {
      const lease = this.#leaseOf(epoch);
      const term = await startTerm({ bus, config, events, lease });
      if (change !== this.#changes) return await term.close(this.#refusal());
      this.#open(term, true, epoch);
    } catch (error) {
      events.interrupted('taking over', error);
      this.#options.resign(epoch);
    }
  }

  #leaseOf(epoch: number): Lease {
    const { holds, prove } = this.#options;
    return {
      epoch,
      check() {
        if (!holds(epoch)) throw new NotLeaderError({ leader: '' });
      },
      prove: () => prove(epoch),
    };
  }

  #refusing(leader?: string): Desk {
    return refusingDesk(() => this.#refusal(leader));
  }

  /** Without the bus nobody can lead; that is what its users need to know. */
  #refusal(leader = ''): Error {
    const { bus } = this.#options;
    const { connected, sinceMs } = bus.connection();
    if (connected) return new NotLeaderError({ leader });
    const waitedMs = Date.now() - sinceMs;
    const fields = { service: 'the bus', address: bus.kind, waitedMs };
    return new ServiceUnavailableError(fields);
  }

  #open(desk: Desk, isServing: boolean, epoch?: number): void {
    this.#desk = desk;
    this.#epoch = epoch;
    this.#options.onServing(isServing);
  }
}

function leaderOf(state: Leadership): LeaderRecord | undefined {
  const record = state.role === 'standby' ? state.seen?.record : undefined;
  return record?.holder === '' ? undefined : record;
}
