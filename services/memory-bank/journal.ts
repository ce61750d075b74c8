import type { BankQueue, Taken } from './bank-queue.js';
import type { Membership } from './members.js';
import type { Submission } from './submission.js';

/**
 * Keeps what the bank acknowledges. Every change of a queue goes through here:
 * what a call resolved is kept as well as the implementation can.
 */
export interface Journal {
  /** Keeps a queue as it stands; the same queue again changes nothing. */
  keep(queue: BankQueue): Promise<void>;
  /**
   * Hands in one rank's rows; commits, and whoever reads them, wait until the
   * batch is kept.
   * @throws what the queue refuses; BankStorageError, then nothing was taken
   */
  enqueue(queue: BankQueue, batch: Submission): Promise<Taken>;
  /**
   * A run joins a shared queue that `keep` has been called for. It counts as a
   * member at once.
   * @throws StaleEpochError, RunNotJoinedError, InvalidRequestError;
   *   BankStorageError, then it has not joined
   */
  join(queue: BankQueue, member: Membership): Promise<void>;
  /**
   * A run leaves a shared queue; false if it had not joined.
   * @throws StaleEpochError, RunNotJoinedError; BankStorageError, then it is in
   */
  leave(queue: BankQueue, runId: string, epoch?: number): Promise<boolean>;
  /**
   * Forgets a queue; an unknown one is forgotten already. Its name is free at
   * once: a new queue is kept when the old one is gone.
   */
  drop(queue: string): Promise<void>;
  close(): Promise<void>;
}

/** For queues that live and die with the process. */
export const noJournal: Journal = {
  async keep() {},
  enqueue: async (queue, batch) => queue.enqueue(batch),
  async join({ members }, member) {
    if (members.acceptJoin(member)) members.settleJoin(member);
  },
  async leave({ members }, runId, epoch) {
    const left = members.acceptLeave(runId, epoch);
    if (left) members.settleLeave(runId);
    return left;
  },
  async drop() {},
  async close() {},
};
