import { z } from 'zod';

/**
 * Which of several orchestrators owns the runs, as pure functions of what one
 * of them sees and of its own monotonic clock. One record of the bus is the
 * lease: who writes it, under the revision that it saw, leads.
 *
 *     standby --(free, or unchanged for its leaseMs)--> claim --> leader
 *        ^                                                          |
 *        '--(not renewed for leaseMs, or others wrote)--------------'
 *
 * Nobody's timestamps are compared with anybody else's. A leader counts its
 * lease from before it sent the write, a standby from after it saw it; so the
 * leader's has ended before the standby's patience has.
 */

const count = z.number().int().nonnegative();

export const leaderRecordSchema = z.object({
  /** Unique for each process; empty where a leader has let go. */
  holder: z.string(),
  /** `host:port` at which it is reached. */
  address: z.string(),
  /** Grows by one with every new leader: the fencing number. */
  epoch: count,
  /** How long the record stays unchanged before others may take it. */
  leaseMs: count.min(1),
});

export type LeaderRecord = Readonly<z.infer<typeof leaderRecordSchema>>;

/** The lease as it was last seen; all times on the reader's own clock. */
export interface Sighting {
  /** Undefined where there is none that makes sense. */
  readonly record: LeaderRecord | undefined;
  /** Undefined where the bus has none. */
  readonly revision: number | undefined;
  /** Since when this revision has been seen. */
  readonly sinceMs: number;
}

export interface Standby {
  readonly role: 'standby';
  /** Undefined before the first look. */
  readonly seen: Sighting | undefined;
}

export interface Leader {
  readonly role: 'leader';
  readonly epoch: number;
  readonly revision: number;
  /** When the last write that succeeded was begun. */
  readonly renewedMs: number;
}

export type Leadership = Standby | Leader;

/** A write of the lease; `revision` undefined creates it. */
export interface Claim {
  readonly record: LeaderRecord;
  readonly revision: number | undefined;
}

/** One of the candidates: what it writes when it leads. */
export type Candidate = Omit<LeaderRecord, 'epoch'>;

export const bystander: Standby = { role: 'standby', seen: undefined };

/** The write that is due: to take a lease that is over, or to renew one's own. */
export function claimOf(
  state: Leadership,
  candidate: Candidate,
  nowMs: number,
): Claim | undefined {
  if (state.role === 'leader') {
    const { epoch, revision } = state;
    return { record: { ...candidate, epoch }, revision };
  }
  const { seen } = state;
  if (!seen || !isOver(seen, candidate, nowMs)) return undefined;
  const epoch = (seen.record?.epoch ?? 0) + 1;
  return { record: { ...candidate, epoch }, revision: seen.revision };
}

function isOver(seen: Sighting, own: Candidate, nowMs: number): boolean {
  if (seen.revision === undefined) return true;
  const { holder, leaseMs } = seen.record ?? own;
  // One's own of before: whoever is on standby acts on it no more.
  if (seen.record && (holder === '' || holder === own.holder)) return true;
  return nowMs - seen.sinceMs >= leaseMs;
}

/**
 * After a claim was written as `revision`. One that was under way for longer
 * than the lease, or while the lease that it renews ended, brings nothing.
 * @param begunMs when the write began
 */
export function claimed(
  state: Leadership,
  { record }: Claim,
  revision: number,
  { begunMs, nowMs }: { begunMs: number; nowMs: number },
): Leadership {
  const { epoch } = record;
  const isStale =
    state.role === 'standby' && state.seen?.record?.epoch === epoch;
  if (isStale || nowMs - begunMs >= record.leaseMs) {
    return { role: 'standby', seen: { record, revision, sinceMs: nowMs } };
  }
  return { role: 'leader', epoch, revision, renewedMs: begunMs };
}

/** After a look at the record. */
export function sighted(
  state: Leadership,
  found: Omit<Sighting, 'sinceMs'>,
  candidate: Candidate,
  nowMs: number,
): Leadership {
  const { record, revision } = found;
  if (state.role === 'leader') {
    // A renewal whose answer got lost.
    const isOwn =
      record?.holder === candidate.holder && record.epoch === state.epoch;
    if (isOwn && revision !== undefined) return { ...state, revision };
  } else if (state.seen?.revision === revision && state.seen) return state;
  return { role: 'standby', seen: { ...found, sinceMs: nowMs } };
}

/** As time goes by: a leader whose lease has ended is none. */
export function lapsed(
  state: Leadership,
  candidate: Candidate,
  nowMs: number,
): Leadership {
  if (state.role === 'standby') return state;
  const { epoch, revision, renewedMs } = state;
  if (nowMs - renewedMs < candidate.leaseMs) return state;
  const record = { ...candidate, epoch };
  return { role: 'standby', seen: { record, revision, sinceMs: nowMs } };
}
