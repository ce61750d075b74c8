import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Experiment } from '#distill/experiment.js';
import type { Bus, JsonObject } from '#runtime/bus/bus.js';
import { type RunEvent, runEvents } from '#runtime/bus/run-events.js';
import { runsQueue } from '#runtime/bus/subjects.js';
import { createLogger } from '#runtime/logger.js';
import { followRun } from '../cli/follow.js';
import {
  type LocalCluster,
  type LocalClusterOptions,
  startLocalCluster,
} from '../cli/local-cluster.js';
import { openOrchestrator, type Run } from '../cli/orchestrator-client.js';
import { testEngine } from './engine.js';
import type { World } from './world.js';

/** All four services in this process, in the folders of a test's world. */
export function startCluster(
  { datasets, modelsDir, runsDir }: World,
  options: Partial<LocalClusterOptions> = {},
): Promise<LocalCluster> {
  return startLocalCluster({
    ...{ datasets, modelsDir, runsDir },
    engine: testEngine,
    students: 1,
    log: createLogger('test', { level: 'silent' }),
    ...options,
  });
}

/**
 * Submits an experiment and follows it; throws what ended it early.
 * @param onChange sees the run now and after every change
 */
export async function runToEnd(
  orchestratorAddress: string,
  experiment: Experiment,
  runId: string,
  onChange: (run: Run) => void = () => {},
): Promise<Run> {
  const orchestrator = openOrchestrator(orchestratorAddress);
  try {
    await orchestrator.submit(experiment, runId);
    return await followRun(orchestrator, runId, onChange);
  } finally {
    orchestrator.close();
  }
}

/** Gives a run to a worker without the orchestrator; returns its last word. */
export async function offerToEnd(
  bus: Bus,
  work: { runId: string; attempt: number; experiment: Experiment },
): Promise<RunEvent> {
  const stop = new AbortController();
  const { signal } = stop;
  const events = runEvents(bus, work.runId, { from: 'now', signal });
  await bus.offer(runsQueue, JSON.parse(JSON.stringify(work)) as JsonObject);
  for await (const { event } of events) {
    const { type } = event ?? {};
    if (!event || !/^(succeeded|failed|cancelled)$/.test(type!)) continue;
    stop.abort();
    return event;
  }
  throw new Error('the bus was closed');
}

/** Everything that a run has recorded, in order. */
export async function measurementsOf(
  runsDir: string,
  runId: string,
): Promise<Record<string, unknown>[]> {
  const path = join(runsDir, runId, 'measurements.jsonl');
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** The loss of every step that a run has recorded. */
export async function lossesOf(
  runsDir: string,
  runId: string,
): Promise<number[]> {
  const lines = await measurementsOf(runsDir, runId);
  return lines
    .filter(({ type }) => type === 'step')
    .map(({ loss }) => loss as number);
}

/** max |a - b| / |b|; infinite where the lengths differ. */
export function maxRelativeDifference(
  actual: readonly number[],
  expected: readonly number[],
): number {
  if (actual.length !== expected.length) return Infinity;
  return Math.max(
    ...actual.map((value, i) => {
      const reference = expected[i]!;
      return Math.abs(value - reference) / Math.abs(reference);
    }),
  );
}
