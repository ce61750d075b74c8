/**
 * Discrete events in simulated milliseconds. A process is a generator that
 * yields what it waits for; a wait calls back once, at the earliest possible
 * time.
 */
export type Wait = (resume: () => void) => void;
export type Process = Generator<Wait, void, void>;

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly action: () => void;
}

export class Simulation {
  #nowMs = 0;
  #count = 0;
  /** A binary heap: the earliest first, of those the one scheduled first. */
  readonly #events: Event[] = [];
  /** What happens before time goes on, in order. */
  #soon: (() => void)[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }

  at(atMs: number, action: () => void): void {
    if (atMs <= this.#nowMs) {
      this.#soon.push(action);
      return;
    }
    const events = this.#events;
    let place = events.push({ atMs, order: this.#count++, action }) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (isBefore(events[parent]!, events[place]!)) break;
      swap(events, parent, place);
      place = parent;
    }
  }

  delay(ms: number): Wait {
    return (resume) => this.at(this.#nowMs + ms, resume);
  }

  spawn(process: Process): void {
    const go = () => {
      const { done, value } = process.next();
      // Never at once, or a process that never has to wait would only recurse.
      if (!done) value(() => this.at(this.#nowMs, go));
    };
    this.at(this.#nowMs, go);
  }

  /** Until nothing is left to happen. */
  run(): void {
    for (;;) {
      while (this.#soon.length > 0) {
        const soon = this.#soon;
        this.#soon = [];
        for (const action of soon) action();
      }
      const next = this.#take();
      if (!next) return;
      this.#nowMs = next.atMs;
      next.action();
    }
  }

  #take(): Event | undefined {
    const events = this.#events;
    const [first] = events;
    const last = events.pop();
    if (!last || last === first) return first;
    events[0] = last;
    let place = 0;
    for (;;) {
      const children = [2 * place + 1, 2 * place + 2];
      const earliest = children.reduce(
        (best, child) =>
          child < events.length && isBefore(events[child]!, events[best]!)
            ? child
            : best,
        place,
      );
      if (earliest === place) return first;
      swap(events, place, earliest);
      place = earliest;
    }
  }
}

/** Something that happens once; whoever comes later need not wait. */
export class Signal {
  #fired = false;
  readonly #waiting: (() => void)[] = [];

  readonly wait: Wait = (resume) => {
    if (this.#fired) resume();
    else this.#waiting.push(resume);
  };

  fire(): void {
    this.#fired = true;
    for (const resume of this.#waiting.splice(0)) resume();
  }
}

/** All of them at a time. */
export function all(waits: readonly Wait[]): Wait {
  return (resume) => {
    let missing = waits.length;
    if (missing === 0) resume();
    const arrived = () => --missing === 0 && resume();
    for (const wait of waits) wait(arrived);
  };
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs;
}

function swap<T>(values: T[], a: number, b: number): void {
  [values[a], values[b]] = [values[b]!, values[a]!];
}
