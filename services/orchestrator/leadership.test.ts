import { describe, expect, it } from 'vitest';
import { type Rng, rngFrom } from '#distill/data/rng.js';
import {
  bystander,
  claimed,
  claimOf,
  lapsed,
  sighted,
  type Candidate,
  type Claim,
  type Leader,
  type Leadership,
  type LeaderRecord,
} from './leadership.js';

const leaseMs = 100;
const me: Candidate = { holder: 'me', address: 'me:1', leaseMs };
const other: LeaderRecord = {
  ...{ holder: 'other', address: 'other:1', epoch: 7, leaseMs: 250 },
};
const nothing = { record: undefined, revision: undefined };

const leading: Leader = {
  ...{ role: 'leader', epoch: 3, revision: 30, renewedMs: 1_000 },
};

describe('a standby', () => {
  it('claims nothing before it has looked', () => {
    expect(claimOf(bystander, me, 99_999)).toBeUndefined();
  });

  it('creates the lease where there is none', () => {
    const state = sighted(bystander, nothing, me, 0);
    expect(claimOf(state, me, 0)).toEqual({
      record: { ...me, epoch: 1 },
      revision: undefined,
    });
  });

  it('takes one that stays unchanged for as long as its holder said', () => {
    const found = { record: other, revision: 5 };
    let state = sighted(bystander, found, me, 1_000);
    state = sighted(state, found, me, 1_200);
    expect(claimOf(state, me, 1_249)).toBeUndefined();
    expect(claimOf(state, me, 1_250)).toEqual({
      record: { ...me, epoch: 8 },
      revision: 5,
    });
    // A renewal starts the clock again.
    state = sighted(state, { record: other, revision: 6 }, me, 1_240);
    expect(claimOf(state, me, 1_489)).toBeUndefined();
    expect(claimOf(state, me, 1_490)).toMatchObject({ revision: 6 });
  });

  it.each([
    ['that was let go', { ...other, holder: '' }],
    ['of its own', { ...other, holder: 'me' }],
  ])('takes one %s at once', (_, record) => {
    const state = sighted(bystander, { record, revision: 5 }, me, 0);
    expect(claimOf(state, me, 0)).toMatchObject({ record: { epoch: 8 } });
  });

  it('waits its own lease for a record that makes no sense', () => {
    const found = { record: undefined, revision: 5 };
    const state = sighted(bystander, found, me, 0);
    expect(claimOf(state, me, 99)).toBeUndefined();
    expect(claimOf(state, me, 100)).toMatchObject({ revision: 5 });
  });

  it('leads after its claim, from when it began to write it', () => {
    const state = sighted(bystander, nothing, me, 0);
    const claim = claimOf(state, me, 0)!;
    const times = { begunMs: 10, nowMs: 60 };
    const leader = claimed(state, claim, 1, times);
    expect(leader).toEqual({
      ...{ role: 'leader', epoch: 1, revision: 1, renewedMs: 10 },
    });
    expect(lapsed(leader, me, 109)).toBe(leader);
    expect(lapsed(leader, me, 110).role).toBe('standby');
  });

  it('does not lead where the write took the whole lease', () => {
    const state = sighted(bystander, nothing, me, 0);
    const claim = claimOf(state, me, 0)!;
    const late = claimed(state, claim, 1, { begunMs: 10, nowMs: 110 });
    expect(late.role).toBe('standby');
    expect(claimOf(late, me, 110)).toMatchObject({
      ...{ record: { epoch: 2 }, revision: 1 },
    });
  });
});

describe('a leader', () => {
  it('renews under its epoch', () => {
    const claim = claimOf(leading, me, 1_020)!;
    expect(claim).toEqual({ record: { ...me, epoch: 3 }, revision: 30 });
    const times = { begunMs: 1_020, nowMs: 1_030 };
    expect(claimed(leading, claim, 31, times)).toEqual({
      ...leading,
      ...{ revision: 31, renewedMs: 1_020 },
    });
  });

  it('whose renewal is answered after its lease stands by', () => {
    const claim = claimOf(leading, me, 1_090)!;
    const over = lapsed(leading, me, 1_100);
    const times = { begunMs: 1_090, nowMs: 1_110 };
    const state = claimed(over, claim, 31, times);
    expect(state).toMatchObject({ role: 'standby', seen: { revision: 31 } });
    expect(claimOf(state, me, 1_110)).toMatchObject({ record: { epoch: 4 } });
  });

  it('finds its own renewal whose answer got lost, and is no younger', () => {
    const found = { record: { ...me, epoch: 3 }, revision: 31 };
    expect(sighted(leading, found, me, 1_050)).toEqual({
      ...leading,
      revision: 31,
    });
  });

  it.each([
    ['of another', { record: other, revision: 31 }],
    ['of a later epoch', { record: { ...me, epoch: 4 }, revision: 31 }],
    ['that is gone', nothing],
  ])('that finds a lease %s stands by', (_, found) => {
    const state = sighted(leading, found, me, 1_050);
    expect(state).toEqual({
      role: 'standby',
      seen: { ...found, sinceMs: 1_050 },
    });
  });
});

/** The bus's record: one value, one revision, compare and set. */
class Register {
  record: LeaderRecord | undefined;
  revision = 0;

  write({ record, revision = 0 }: Claim): number | undefined {
    if (revision !== this.revision) return undefined;
    this.record = record;
    return ++this.revision;
  }
}

interface Writing {
  readonly claim: Claim;
  readonly begunMs: number;
  readonly arrivesAt: number;
  answersAt: number;
  revision?: number | undefined;
}

/** An orchestrator whose clock, network and process are as bad as they get. */
class Shaky {
  state: Leadership = bystander;
  #writing: Writing | undefined;
  #sleepsUntil = 0;
  readonly #candidate: Candidate;
  readonly #offsetMs: number;

  constructor(
    name: string,
    readonly rng: Rng,
  ) {
    this.#candidate = { holder: name, address: `${name}:1`, leaseMs };
    this.#offsetMs = rng.integer(1_000_000);
  }

  /** By its own clock, which is all that it asks before it acts. */
  leadsAt(nowMs: number): boolean {
    const own = nowMs + this.#offsetMs;
    return lapsed(this.state, this.#candidate, own).role === 'leader';
  }

  step(nowMs: number, register: Register): void {
    const writing = this.#writing;
    // What was sent arrives, even where the sender sleeps.
    if (writing && writing.arrivesAt === nowMs)
      writing.revision = register.write(writing.claim);
    if (nowMs < this.#sleepsUntil) return;
    if (this.rng.integer(60) === 0) {
      this.#sleepsUntil = nowMs + this.rng.integer(4 * leaseMs);
      return;
    }
    const own = nowMs + this.#offsetMs;
    this.state = lapsed(this.state, this.#candidate, own);
    if (writing) return this.#finish(writing, nowMs, register);
    if (this.rng.integer(10) > 0) return;
    if (this.state.role === 'standby') this.#look(register, own);
    const claim = claimOf(this.state, this.#candidate, own);
    if (!claim) return;
    const arrivesAt = nowMs + 1 + this.rng.integer(leaseMs);
    const answersAt = arrivesAt + this.rng.integer(leaseMs);
    this.#writing = { claim, begunMs: own, arrivesAt, answersAt };
  }

  #finish(writing: Writing, nowMs: number, register: Register): void {
    if (nowMs < writing.answersAt) return;
    this.#writing = undefined;
    const { claim, begunMs, revision } = writing;
    const own = nowMs + this.#offsetMs;
    const isLost = this.rng.integer(5) === 0;
    if (revision === undefined || isLost) return this.#look(register, own);
    const times = { begunMs, nowMs: own };
    this.state = claimed(this.state, claim, revision, times);
  }

  #look({ record, revision }: Register, own: number): void {
    const found = { record, revision: revision || undefined };
    this.state = sighted(this.state, found, this.#candidate, own);
  }
}

describe('three orchestrators that sleep, and whose messages are late', () => {
  it.each(Array.from({ length: 20 }, (_, seed) => seed))(
    'never lead two at a time (seed %i)',
    (seed) => {
      const rng = rngFrom(seed, 'leadership');
      const register = new Register();
      const all = ['a', 'b', 'c'].map((name) => new Shaky(name, rng));
      const epochs: number[] = [];
      const leaders = new Set<Shaky>();
      let most = 0;
      for (let nowMs = 0; nowMs < 20_000; nowMs++) {
        for (const one of all) one.step(nowMs, register);
        const leading = all.filter((one) => one.leadsAt(nowMs));
        most = Math.max(most, leading.length);
        for (const { state } of leading) {
          const { epoch } = state as Leader;
          if (epochs.at(-1) !== epoch) epochs.push(epoch);
        }
        leading.forEach((one) => leaders.add(one));
      }
      expect(most).toBe(1);
      expect(leaders.size).toBe(3);
      expect(epochs).toEqual([...new Set(epochs)].sort((a, b) => a - b));
    },
  );
});
