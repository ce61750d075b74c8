import {
  all,
  type Process,
  Signal,
  type Simulation,
  type Wait,
} from './kernel.js';
import type { Parameters } from './parameters.js';
import type { Place, Places } from './places.js';

/** A step's barriers among the ranks of a run. */
class Meeting {
  readonly #open = new Signal();
  #missing: number;

  constructor(count: number) {
    this.#missing = count;
  }

  arrive(): void {
    if (--this.#missing === 0) this.#open.fire();
  }

  get wait() {
    return this.#open.wait;
  }
}

/** What happens once in a step, or once in a step and rank. */
interface Step {
  /** All rows are in the bank. */
  readonly enqueued: Meeting;
  /** Its shares of all vectors have reached everyone, and so have the means. */
  readonly vectors: Meeting;
  readonly means: Meeting;
  /** The commit has reached the rank. */
  readonly committed: readonly Signal[];
}

export interface SimulatedRun {
  readonly simulation: Simulation;
  readonly parameters: Parameters;
  readonly places: Places;
  /** Which of the runs it is. */
  readonly number: number;
  /** Each is one rank, on a worker of its own; the chief first. */
  readonly workers: readonly Place[];
  readonly steps: readonly Step[];
  /** At the end of every step of the chief. */
  readonly onEnd: (step: number, chief: ChiefTimes) => void;
}

/** So far. */
export interface ChiefTimes {
  readonly atMs: number;
  readonly allReduceMs: number;
}

const maxPartMebibytes = 1;

/** The barriers of `count` steps. */
export function stepsOf(count: number, workers: readonly Place[]): Step[] {
  const meeting = () => new Meeting(workers.length);
  return Array.from({ length: count }, () => ({
    ...{ enqueued: meeting(), vectors: meeting(), means: meeting() },
    committed: workers.map(() => new Signal()),
  }));
}

/** One run: its feed, its steps, and its queue in the bank. */
export function startRun(run: SimulatedRun): void {
  const { simulation, parameters, workers, steps } = run;
  for (const step of steps) simulation.spawn(fanOut(run, step));
  for (const rank of workers.keys()) {
    simulation.spawn(learn(run, rank));
    for (let step = 0; step < parameters.prefetch; step++) {
      simulation.spawn(prepare(run, step, rank));
    }
  }
}

/** Brings a rank what it needs for a step. */
function* prepare(run: SimulatedRun, step: number, rank: number): Process {
  const { places, parameters, workers, number, steps } = run;
  const { teachers, bank } = places;
  const { rowsMebibytes } = parameters;
  const worker = workers[rank]!;
  // Everyone asks everyone in turn.
  const place = number * workers.length + rank + step;
  const teacher = teachers[place % teachers.length]!;
  yield* places.send(worker, teacher, 0);
  yield teacher.compute.use(parameters.teacher.batchMs);
  yield* places.send(teacher, worker, rowsMebibytes);
  yield* places.send(worker, bank, rowsMebibytes);
  yield bank.speak.use(parameters.bank.enqueueMs);
  steps[step]!.enqueued.arrive();
}

/** A commit, to every subscriber. */
function* fanOut(run: SimulatedRun, step: Step): Process {
  const { places, parameters, workers } = run;
  const mebibytes = workers.length * parameters.rowsMebibytes;
  const { fanOutMs } = parameters.bank;
  const cpuMs = fanOutMs + places.messagesMs(1, mebibytes);
  yield step.enqueued.wait;
  for (const [rank, worker] of workers.entries()) {
    yield places.bank.speak.use(cpuMs);
    run.simulation.spawn(deliver(run, step, rank, worker));
  }
}

function* deliver(
  { simulation, places, parameters, workers }: SimulatedRun,
  step: Step,
  rank: number,
  worker: Place,
): Process {
  const mebibytes = workers.length * parameters.rowsMebibytes;
  const linkMs = places.linkMs(mebibytes);
  yield all([places.bank.up.use(linkMs), worker.down.use(linkMs)]);
  yield simulation.delay(parameters.network.latencyMs);
  yield worker.speak.use(places.messagesMs(1, mebibytes));
  step.committed[rank]!.fire();
}

/** The steps of a rank, one after another; what comes next is asked for ahead. */
function* learn(run: SimulatedRun, rank: number): Process {
  const { simulation, parameters, workers, onEnd, steps } = run;
  const { stepMs, gradientsMs, applyMs } = parameters.student;
  const { compute } = workers[rank]!;
  let allReduceMs = 0;
  for (const [number, step] of steps.entries()) {
    yield step.committed[rank]!.wait;
    const ahead = number + parameters.prefetch;
    if (ahead < steps.length) simulation.spawn(prepare(run, ahead, rank));
    if (workers.length === 1) {
      yield compute.use(stepMs);
    } else {
      yield compute.use(gradientsMs);
      allReduceMs += yield* allReduce(run, step, rank);
      yield compute.use(applyMs);
    }
    if (rank === 0) onEnd(number, { atMs: simulation.nowMs, allReduceMs });
  }
}

/**
 * Reduce-scatter, then all-gather: a worker's messages of each taken together.
 * @returns the time that it took, without waiting for the others
 */
function* allReduce(
  { simulation, parameters, places, workers }: SimulatedRun,
  { vectors, means }: Step,
  rank: number,
): Generator<Wait, number, void> {
  let tookMs = 0;
  const worker = workers[rank]!;
  const { vectorMebibytes, buffersMebibytes } = parameters.student;
  const others = workers.length - 1;
  const share = vectorMebibytes / workers.length;
  const messages = others * Math.ceil(share / maxPartMebibytes);
  const oneWay = places.messagesMs(messages, others * share);
  const linkMs = places.linkMs(others * share);
  for (const meeting of [vectors, means]) {
    const sinceMs = simulation.nowMs;
    yield worker.speak.use(oneWay);
    yield all([worker.up.use(linkMs), worker.down.use(linkMs)]);
    yield simulation.delay(parameters.network.latencyMs);
    yield worker.speak.use(oneWay);
    tookMs += simulation.nowMs - sinceMs;
    meeting.arrive();
    yield meeting.wait;
  }
  if (rank > 0) return tookMs;
  const sinceMs = simulation.nowMs;
  const buffers = others * buffersMebibytes;
  yield worker.down.use(places.linkMs(buffers));
  yield worker.speak.use(places.messagesMs(others, buffers));
  return tookMs + simulation.nowMs - sinceMs;
}
