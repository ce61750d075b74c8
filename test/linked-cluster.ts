import { testEngine } from './engine.js';
import { type FaultyLink, startFaultyLink } from './faulty-link.js';
import { type NatsServer, startNatsServer } from './nats.js';
import {
  type ProcessSettings,
  type Role,
  type ServiceProcess,
  type Settings,
  spawnService,
} from './processes.js';
import type { World } from './world.js';

/** A student, and all that it reaches, and is reached by, over links. */
export interface LinkedStudent {
  readonly name: string;
  readonly service: ServiceProcess;
  readonly teacher: FaultyLink;
  readonly bank: FaultyLink;
  readonly nats: FaultyLink;
  /** Where other students reach it. */
  readonly door: FaultyLink;
}

const linkNames = ['leaderNats', 'bankNats', 'leaderStandby', 'userLeader'];
type Links = Record<
  'leaderNats' | 'bankNats' | 'leaderStandby' | 'userLeader',
  FaultyLink
>;

/**
 * Teacher, bank, students and two orchestrators, each a process, on a real
 * nats-server. Whatever one of them says to another goes over a link of its own.
 */
export class LinkedCluster implements AsyncDisposable {
  readonly #closers: (() => Promise<unknown>)[] = [];
  readonly #world: World;
  readonly #settings: ProcessSettings;
  nats!: NatsServer;
  leader!: ServiceProcess;
  standby!: ServiceProcess;
  students!: readonly LinkedStudent[];
  links!: Links;

  static async start(
    world: World,
    students: number,
    settings: ProcessSettings,
  ): Promise<LinkedCluster> {
    const cluster = new LinkedCluster(world, settings);
    try {
      await cluster.#start(students);
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(world: World, settings: ProcessSettings) {
    this.#world = world;
    this.#settings = settings;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close();
  }

  async #start(students: number): Promise<void> {
    this.nats = await startNatsServer();
    this.#closers.push(() => this.nats.close());
    const links = linkNames.map(
      async (name) => [name, await this.#link()] as const,
    );
    this.links = Object.fromEntries(await Promise.all(links)) as Links;
    const { leaderNats, bankNats, leaderStandby, userLeader } = this.links;
    for (const link of [leaderNats, bankNats]) link.target = this.nats.address;
    const ADVERTISE = leaderStandby.address;
    const { modelsDir } = this.#world;
    const [teacher, bank, leader] = await Promise.all([
      this.#spawn('teacher', { MODELS_DIR: modelsDir, ...this.#computing }),
      this.#spawn('memory-bank', {}, bankNats),
      this.#spawn('orchestrator', { ADVERTISE }, leaderNats),
    ]);
    this.leader = leader;
    leaderStandby.target = userLeader.target = leader.address;
    this.standby = await this.#spawn('orchestrator', {});
    const names = Array.from({ length: students }, (_, i) => `student-${i}`);
    this.students = await Promise.all(
      names.map((name) => this.#student(name, teacher, bank)),
    );
  }

  async #student(
    name: string,
    { address: teacherAddress }: ServiceProcess,
    { address: bankAddress }: ServiceProcess,
  ): Promise<LinkedStudent> {
    const [teacher, bank, nats, door] = await Promise.all([
      this.#link(teacherAddress),
      this.#link(bankAddress),
      this.#link(this.nats.address),
      this.#link(),
    ]);
    const settings = {
      ...{ WORKER: name, ADVERTISE: door.address },
      ...{ TEACHER: teacher.address, MEMORY_BANK: bank.address },
      ...{ RUNS_DIR: this.#world.runsDir, ...this.#computing },
    };
    const service = await this.#spawn('student', settings, nats);
    door.target = service.address;
    return { name, service, teacher, bank, nats, door };
  }

  get #computing(): Settings {
    return {
      ENGINE: testEngine,
      DATASETS__TINY: this.#world.datasets['tiny']!,
    };
  }

  async #link(target = ''): Promise<FaultyLink> {
    const link = await startFaultyLink();
    this.#closers.push(async () => await link[Symbol.asyncDispose]());
    link.target = target;
    return link;
  }

  async #spawn(
    role: Role,
    settings: Settings,
    { address }: { readonly address: string } = this.nats,
  ): Promise<ServiceProcess> {
    const all = { ...settings, ...this.#settings[role] };
    const service = await spawnService(role, all, address);
    this.#closers.push(() => service.kill());
    return service;
  }
}
