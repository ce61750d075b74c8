import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '#runtime/paths.js';
import { testEngine } from './engine.js';
import type { NatsServer } from './nats.js';
import type { World } from './world.js';

/** The services that run as processes of their own; main.js of each. */
export type Role = 'teacher' | 'memory-bank' | 'student' | 'orchestrator';

export type Settings = Readonly<Record<string, string | number>>;

/** A service in a process of its own. */
export interface ServiceProcess extends AsyncDisposable {
  readonly pid: number;
  readonly address: string;
  /** Its log so far: one JSON object a line. */
  readonly log: readonly string[];
  /** Dies without a word. */
  kill(): Promise<void>;
  /** Asks it to leave; resolves with its exit code. */
  stop(): Promise<number | null>;
}

const prefixes: Record<Role, string> = {
  teacher: 'RRD_TEACHER_',
  'memory-bank': 'RRD_BANK_',
  student: 'RRD_STUDENT_',
  orchestrator: 'RRD_ORCHESTRATOR_',
};

/**
 * Starts a service's main and waits until it listens.
 * @param settings by the names of its environment, prefix left out
 * @param environment more of it, as it stands (OTEL_*, NODE_OPTIONS)
 * @param nodeArguments of Node itself
 */
export async function spawnService(
  role: Role,
  settings: Settings,
  natsAddress?: string,
  environment: Settings = {},
  nodeArguments: readonly string[] = [],
): Promise<ServiceProcess> {
  const main = join(packageRoot, 'dist', 'services', role, 'main.js');
  const env = Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [
      `${prefixes[role]}${key}`,
      String(value),
    ]),
  );
  const more = Object.fromEntries(
    Object.entries(environment).map(([key, value]) => [key, String(value)]),
  );
  const child = spawn(process.execPath, [...nodeArguments, main], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      ...env,
      ...more,
      ...(natsAddress && { RRD_BUS_SERVERS: natsAddress }),
    },
  });
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  child.once('exit', () => process.off('exit', killAtExit));
  const log: string[] = [];
  const address = await firstAddress(child, log);
  return {
    pid: child.pid!,
    address,
    log,
    kill: async () => void (await end(child, 'SIGKILL')),
    stop: () => end(child, 'SIGTERM'),
    [Symbol.asyncDispose]: async () => void (await end(child, 'SIGKILL')),
  };
}

async function firstAddress(
  child: ChildProcess,
  log: string[],
): Promise<string> {
  return new Promise((resolve, reject) => {
    createInterface(child.stderr!).on('line', (line) => {
      log.push(line);
      const address = addressIn(line);
      if (address !== undefined) resolve(address);
    });
    child.once('exit', (code) => {
      reject(new Error(`exit ${code} before it listened:\n${log.join('\n')}`));
    });
  });
}

function addressIn(line: string): string | undefined {
  if (!line.startsWith('{')) return undefined;
  const entry = JSON.parse(line) as { msg?: string; address?: string };
  return entry.msg === 'listening' ? entry.address : undefined;
}

async function end(
  child: ChildProcess,
  signal: NodeJS.Signals,
): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return child.exitCode;
  }
  const exit = once(child, 'exit');
  child.kill(signal);
  await exit;
  return child.exitCode;
}

/** What the services of a test are told besides their addresses. */
export type ProcessSettings = Partial<Record<Role, Settings>>;

/** More environment of each role: `spawnService`'s last parameter. */
export type Environments = (role: Role) => Settings;

/** The four services as four processes on a real nats-server. */
export class ProcessCluster implements AsyncDisposable {
  readonly #world: World;
  readonly #nats: NatsServer;
  readonly #settings: ProcessSettings;
  readonly #environments: Environments;
  readonly #running: [Role, ServiceProcess][] = [];
  readonly #addresses = new Map<Role, string>();

  static async start(
    world: World,
    nats: NatsServer,
    settings: ProcessSettings = {},
    environments: Environments = () => ({}),
  ): Promise<ProcessCluster> {
    const cluster = new ProcessCluster(world, nats, settings, environments);
    const first = ['teacher', 'memory-bank', 'orchestrator'] as const;
    await Promise.all(first.map((role) => cluster.spawn(role)));
    await cluster.spawn('student');
    return cluster;
  }

  private constructor(
    world: World,
    nats: NatsServer,
    settings: ProcessSettings,
    environments: Environments,
  ) {
    this.#environments = environments;
    this.#world = world;
    this.#nats = nats;
    this.#settings = settings;
  }

  get orchestratorAddress(): string {
    return this.#addresses.get('orchestrator')!;
  }

  /** Starts a service; one that was there before comes back at its address. */
  async spawn(role: Role): Promise<ServiceProcess> {
    const port = role === 'student' ? 0 : this.#portOf(role);
    const service = await spawnService(
      role,
      { ...this.#placesOf(role), ...this.#settings[role], LISTEN__PORT: port },
      this.#nats.address,
      this.#environments(role),
    );
    this.#running.push([role, service]);
    this.#addresses.set(role, service.address);
    return service;
  }

  /** Every process that was ever started as `role`, oldest first. */
  all(role: Role): ServiceProcess[] {
    return this.#running.flatMap(([own, service]) =>
      own === role ? [service] : [],
    );
  }

  /** Kills all processes of `role`. */
  async kill(role: Role): Promise<void> {
    await Promise.all(this.all(role).map((service) => service.kill()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running.map(([, service]) => service.kill()));
  }

  #portOf(role: Role): number {
    return Number(this.#addresses.get(role)?.split(':')[1] ?? 0);
  }

  #placesOf(role: Role): Settings {
    const { datasets, modelsDir, runsDir } = this.#world;
    const sets = Object.fromEntries(
      Object.entries(datasets).map(([name, definition]) => [
        `DATASETS__${name.toUpperCase()}`,
        definition,
      ]),
    );
    switch (role) {
      case 'teacher':
        return { MODELS_DIR: modelsDir, ENGINE: testEngine, ...sets };
      case 'student':
        return {
          TEACHER: this.#addresses.get('teacher')!,
          MEMORY_BANK: this.#addresses.get('memory-bank')!,
          RUNS_DIR: runsDir,
          ENGINE: testEngine,
          ...sets,
        };
      case 'memory-bank':
      case 'orchestrator':
        return {};
    }
  }
}
