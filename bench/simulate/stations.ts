import type { Simulation, Wait } from './kernel.js';

/** Simulated times of hours still have digits for it. */
const toleranceMs = 1e-6;

interface Job {
  left: number;
  /** The most that it can be given of the station at a time. */
  readonly width: number;
  readonly done: () => void;
}

/**
 * Cores, or a link: capacity that those who use it share evenly, nobody being
 * given more than it can use. Work is in units of capacity times milliseconds.
 */
export class Station {
  readonly #jobs = new Set<Job>();
  #sinceMs = 0;
  #version = 0;
  /** Work done so far. */
  #done = 0;

  constructor(
    private readonly simulation: Simulation,
    readonly capacity: number,
  ) {}

  get workDone(): number {
    return this.#done;
  }

  /** @param width the most that the work can use of the station at a time */
  use(work: number, width: number): Wait {
    return (done) => {
      if (work <= 0) return done();
      this.#advance();
      this.#jobs.add({ left: work, width, done });
      this.#schedule();
    };
  }

  /** Gives every job what it has earned since the last time. */
  #advance(): void {
    const { nowMs } = this.simulation;
    const ms = nowMs - this.#sinceMs;
    this.#sinceMs = nowMs;
    if (ms === 0) return;
    for (const [job, rate] of this.#rates()) {
      job.left -= rate * ms;
      this.#done += rate * ms;
    }
  }

  #schedule(): void {
    const version = ++this.#version;
    const ends = this.#rates().map(([{ left }, rate]) => left / rate);
    if (ends.length === 0) return;
    const nextMs = this.simulation.nowMs + Math.max(0, Math.min(...ends));
    this.simulation.at(nextMs, () => {
      if (version === this.#version) this.#finish();
    });
  }

  #finish(): void {
    const before = this.#rates();
    this.#advance();
    // What is left of a job that ends now is a rounding error of its rate.
    const ended = before.filter(
      ([job, rate]) => job.left <= toleranceMs * rate,
    );
    for (const [job] of ended) this.#jobs.delete(job);
    this.#schedule();
    for (const [job] of ended) job.done();
  }

  /** The narrowest first: what they leave is shared among the others. */
  #rates(): (readonly [Job, number])[] {
    const jobs = [...this.#jobs];
    if (jobs.length > 1) jobs.sort((a, b) => a.width - b.width);
    let left = this.capacity;
    return jobs.map((job, i) => {
      const rate = Math.min(job.width, left / (jobs.length - i));
      left -= rate;
      return [job, rate] as const;
    });
  }
}

/**
 * One thread of a process, or one direction of a link: takes one thing after
 * another, in the order in which they come.
 */
export class Server {
  readonly #waiting: (() => void)[] = [];
  #busy = false;
  #busyMs = 0;

  /** @param serve does a piece of work */
  constructor(
    private readonly simulation: Simulation,
    private readonly serve: (work: number) => Wait,
  ) {}

  /** Time that the pieces which are done have taken. */
  get busyMs(): number {
    return this.#busyMs;
  }

  use(work: number): Wait {
    return (done) => {
      if (work <= 0) return done();
      const start = () => {
        const { nowMs } = this.simulation;
        this.serve(work)(() => {
          this.#busyMs += this.simulation.nowMs - nowMs;
          const next = this.#waiting.shift();
          this.#busy = next !== undefined;
          next?.();
          done();
        });
      };
      if (this.#busy) this.#waiting.push(start);
      else start();
      this.#busy = true;
    };
  }
}
