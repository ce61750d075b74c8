import type { Simulation, Wait } from './kernel.js';
import { all } from './kernel.js';
import type { Load, Parameters } from './parameters.js';
import { Server, Station } from './stations.js';

/** A process on its machine. */
export interface Place {
  /** Networks. */
  readonly compute: Server;
  /** The thread that speaks gRPC. */
  readonly speak: Server;
  /** The machine's link, each direction: work is in ms. */
  readonly up: Server;
  readonly down: Server;
}

/** All processes of a load, and the ways between them. */
export class Places {
  readonly students: readonly Place[];
  readonly teachers: readonly Place[];
  readonly bank: Place;
  readonly #shared: Station | undefined;

  constructor(
    private readonly simulation: Simulation,
    private readonly parameters: Parameters,
    load: Load,
  ) {
    const { student, teacher, cores } = parameters;
    if (load.oneMachine) this.#shared = new Station(simulation, cores);
    const places = (count: number, threads: number) =>
      Array.from({ length: count }, () => this.#place(threads));
    this.students = places(load.students, student.threads);
    this.teachers = places(load.teachers, teacher.threads);
    this.bank = this.#place(1);
  }

  /** Processor time of `messages` at one end. */
  messagesMs(messages: number, mebibytes: number): number {
    const { messageMs, mebibyteMs } = this.parameters.message;
    return messages * messageMs + mebibytes * mebibyteMs;
  }

  /** Time of the link alone. */
  linkMs(mebibytes: number): number {
    const { mebibytesPerSecond = Infinity } = this.parameters.network;
    return (1000 * mebibytes) / mebibytesPerSecond;
  }

  /** A message from one process to another. */
  *send(
    from: Place,
    to: Place,
    mebibytes: number,
  ): Generator<Wait, void, void> {
    const cpuMs = this.messagesMs(1, mebibytes);
    const linkMs = this.linkMs(mebibytes);
    yield from.speak.use(cpuMs);
    yield all([from.up.use(linkMs), to.down.use(linkMs)]);
    yield this.simulation.delay(this.parameters.network.latencyMs);
    yield to.speak.use(cpuMs);
  }

  #place(threads: number): Place {
    const { simulation } = this;
    const cores =
      this.#shared ?? new Station(simulation, this.parameters.cores);
    const process = (width: number) =>
      new Server(simulation, (work) => cores.use(work, width));
    const link = () => new Server(simulation, (ms) => simulation.delay(ms));
    return {
      ...{ compute: process(threads), speak: process(1) },
      ...{ up: link(), down: link() },
    };
  }
}
