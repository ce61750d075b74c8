import { afterEach, beforeEach } from 'vitest';
import type { Bus, WorkItem } from '#runtime/bus/bus.js';
import { openBus } from '#runtime/bus/index.js';
import {
  publishRunEvent,
  runWorkSchema,
  stopRequests,
  type RunEvent,
  type StopRequest,
} from '#runtime/bus/run-events.js';
import { runsQueue } from '#runtime/bus/subjects.js';
import { createLogger } from '#runtime/logger.js';
import { connect, type RpcClient } from '#runtime/rpc/client.js';
import type { RunningService } from '#runtime/service.js';
import { toConfig } from '../../services/orchestrator/config.js';
import { startOrchestrator } from '../../services/orchestrator/service.js';
import { startNatsServer } from '../nats.js';

const log = createLogger('test', { level: 'silent' });

export const experiment = {
  name: 'tiny',
  dataset: 'procedural',
  student: { network: 'resnet8' },
  loss: { crossEntropy: 1 },
  training: { epochs: 2 },
};
export const experimentJson = JSON.stringify(experiment);
/** Short, so that silence is noticed soon. */
export const timing = { leaseMs: 400, claimTimeoutMs: 1_000, maxAttempts: 2 };

export const progress = {
  step: 3,
  totalSteps: 10,
  epoch: 1,
  loss: 1.5,
  lossTerms: { ce: 1.5 },
  imagesPerSecond: 10,
  learningRate: 0.05,
};
export const result = {
  testAccuracy: 0.5,
  bestTestAccuracy: 0.6,
  imagesPerSecond: 10,
  steps: 10,
  teacherBytes: 0,
  bankBytes: 0,
  bankVersions: 0,
  engine: 'cpu',
  checkpoint: '/tmp/x',
};

/** What an event says besides who says it. */
type Saying<E = RunEvent> = E extends RunEvent
  ? Omit<E, 'attempt' | 'worker'>
  : never;

/** A worker whose moves the test makes. */
export class HandWorker {
  runId = '';
  attempt = 0;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(
    readonly bus: Bus,
    readonly name: string,
  ) {}

  async claim(): Promise<WorkItem> {
    const item = await this.bus.take(runsQueue, AbortSignal.timeout(5_000));
    if (!item) throw new Error('no work came');
    const work = runWorkSchema.parse(item.work);
    this.runId = work.runId;
    this.attempt = work.attempt;
    await this.say({ type: 'claimed' });
    await item.done();
    return item;
  }

  say(saying: Saying): Promise<void> {
    const { attempt, name: worker } = this;
    return publishRunEvent(this.bus, this.runId, {
      ...saying,
      attempt,
      worker,
    });
  }

  /** Keeps saying it is running, until `hush`. */
  hum(): void {
    const beat = () =>
      void this.say({ type: 'running' }).catch(() => undefined);
    this.#heartbeat = setInterval(beat, 50);
  }

  hush(): void {
    clearInterval(this.#heartbeat);
  }

  async stopRequest(): Promise<StopRequest | undefined> {
    const holder = { attempt: this.attempt, worker: this.name };
    const signal = AbortSignal.timeout(5_000);
    for await (const request of stopRequests(
      this.bus,
      this.runId,
      holder,
      signal,
    )) {
      return request;
    }
    return undefined;
  }
}

export async function openInProcess() {
  const bus = await openBus({ kind: 'in-process' });
  return { bus, close: () => bus.close() };
}

export async function openNats() {
  const server = await startNatsServer();
  const bus = await openBus({ kind: 'nats', servers: [server.address] });
  const close = async () => {
    await bus.close();
    await server.close();
  };
  return { bus, server, close };
}

type Client = RpcClient<'rrd.v1.OrchestratorService'>;

/** An orchestrator on a bus, a client of it, and workers to play with. */
export class Stage {
  client!: Client;
  #service: RunningService | undefined;
  readonly #workers: HandWorker[] = [];

  constructor(readonly bus: Bus) {}

  async start(settings: object = {}): Promise<void> {
    const config = toConfig({ ...timing, ...settings });
    this.#service = await startOrchestrator(config, { bus: this.bus, log });
    this.client = connect('rrd.v1.OrchestratorService', this.#service.address);
  }

  /** The orchestrator goes; the bus and the workers stay. */
  async stop(): Promise<void> {
    this.client.close();
    await this.#service?.close();
  }

  async close(): Promise<void> {
    for (const worker of this.#workers) worker.hush();
    await this.stop();
  }

  submit(runId: string, standing: { priority?: number; user?: string } = {}) {
    return this.client.submitRun({ runId, experimentJson, ...standing });
  }

  worker(name: string): HandWorker {
    const worker = new HandWorker(this.bus, name);
    this.#workers.push(worker);
    return worker;
  }

  /** The run, once `phase` is reached, and the phases seen on the way. */
  until(runId: string, phase: string) {
    return until(this.client, runId, phase);
  }
}

/** The run, once `phase` is reached, and the phases seen on the way. */
export async function until(client: Client, runId: string, phase: string) {
  const phases: string[] = [];
  const watch = client.watchRun(
    { runId },
    { signal: AbortSignal.timeout(8_000) },
  );
  for await (const { run } of watch) {
    phases.push(run?.phase.replace('RUN_PHASE_', '') ?? '');
    if (run && phases.at(-1) === phase) return { run, phases };
  }
  throw new Error(`${runId} ended as ${phases.at(-1)}, not ${phase}`);
}

export type OpenBus = () => Promise<{ bus: Bus; close: () => Promise<void> }>;

/** A started stage on a bus of its own for each test of a suite. */
export function eachOnStage(
  open: OpenBus,
  enter: (stage: Stage) => void,
  settings: object = {},
): void {
  let close: () => Promise<void>;
  beforeEach(async () => {
    const opened = await open();
    const stage = new Stage(opened.bus);
    close = async () => {
      await stage.close();
      await opened.close();
    };
    await stage.start(settings);
    enter(stage);
  });
  afterEach(() => close());
}
