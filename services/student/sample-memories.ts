import type { QueueSnapshot } from '#distill/queue.js';
import type { QueueNews } from './backlog.js';
import { BankMirror, type MirrorOptions } from './bank-mirror.js';
import type { BySide, MovedRows, Remembered } from './trainer-api.js';

/** The memories as a step sees them. */
export interface StepMemories {
  /**
   * Hands in a rank's embeddings; safe to repeat. Once all ranks' are in, it is
   * certain that the bank moves its rows.
   */
  enqueue(rank: number, remembered: Remembered): Promise<void>;
  /** What the bank has moved for the step, once all ranks are in. */
  moved(): Promise<BySide<MovedRows>>;
}

/**
 * The run's two memories of all samples: of the student's embeddings and of
 * the teacher's. Unlike the queue they change behind a step, by what the step
 * itself has computed.
 */
export class SampleMemories {
  /** Creates or restores both, and waits for their snapshots. */
  static async open(
    { student, teacher }: BySide<MirrorOptions>,
    signal: AbortSignal,
  ): Promise<SampleMemories> {
    const own = await BankMirror.open(student, signal);
    try {
      const other = await BankMirror.open(teacher, signal);
      return new SampleMemories({ student: own, teacher: other });
    } catch (error) {
      own.close();
      throw error;
    }
  }

  /** Follows what somebody else has made, from the commit of `step` on. */
  static follow(
    { student, teacher }: BySide<MirrorOptions>,
    step: number,
  ): SampleMemories {
    // Every step is one commit of them.
    const place = { version: step, nextStep: step };
    return new SampleMemories({
      student: BankMirror.follow(student, place),
      teacher: BankMirror.follow(teacher, place),
    });
  }

  private constructor(private readonly mirrors: BySide<BankMirror>) {}

  /** As they were when they were opened; can be taken once. */
  takeSnapshots(): BySide<QueueSnapshot> {
    const { student, teacher } = this.mirrors;
    return { student: student.takeSnapshot(), teacher: teacher.takeSnapshot() };
  }

  /** Bytes of messages, both ways. */
  get bytes(): number {
    const { student, teacher } = this.mirrors;
    return student.bytes + teacher.bytes;
  }

  /** What `step` does with them. */
  at(step: number, signal: AbortSignal): StepMemories {
    return {
      enqueue: (rank, remembered) =>
        this.#enqueue(step, rank, remembered, signal),
      moved: () => this.#moved(step, signal),
    };
  }

  async #enqueue(
    step: number,
    rank: number,
    { samples: slots, student, teacher }: Remembered,
    signal: AbortSignal,
  ): Promise<void> {
    const { mirrors } = this;
    await Promise.all([
      mirrors.student.enqueue(step, rank, { rows: student, slots }, signal),
      mirrors.teacher.enqueue(step, rank, { rows: teacher, slots }, signal),
    ]);
  }

  async #moved(step: number, signal: AbortSignal): Promise<BySide<MovedRows>> {
    const [student, teacher] = await Promise.all([
      this.mirrors.student.newsFor(step, 0, signal),
      this.mirrors.teacher.newsFor(step, 0, signal),
    ]);
    return { student: rowsOf(student), teacher: rowsOf(teacher) };
  }

  /** Frees both, if this attempt still owns them. */
  async deleteQueues(): Promise<void> {
    await this.mirrors.student.deleteQueue();
    await this.mirrors.teacher.deleteQueue();
  }

  close(): void {
    this.mirrors.student.close();
    this.mirrors.teacher.close();
  }
}

/** Each step's news are one commit: its own. */
function rowsOf({ commits }: QueueNews): MovedRows {
  const { rows, slots } = commits.at(-1)!;
  return { rows, slots };
}
