import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Rng, rngFrom } from '#distill/data/rng.js';
import type { HostTensor } from '#distill/tensors.js';
import { readCheckpoint } from '#runtime/checkpoint/index.js';
import {
  isFinal,
  openOrchestrator,
  phaseName,
  type Run,
} from '../cli/orchestrator-client.js';
import { lossesOf } from '../test/cluster.js';
import { type NatsServer, startNatsServer } from '../test/nats.js';
import { ProcessCluster } from '../test/processes.js';
import { makeWorld, tinyExperiment, type World } from '../test/world.js';

/** `RRD_FAULTS=20 npm run bench -- faults` for fewer. */
const faults = Number(process.env['RRD_FAULTS'] ?? 100);
const seed = 13;

const roles = ['teacher', 'memory-bank', 'student', 'orchestrator'] as const;
const victims = [...roles, 'nats'] as const;
type Victim = (typeof victims)[number];

const soon = { HEARTBEAT_MS: 200, LEASE_MS: 2_000 };

/** Steps enough that a run sees some twenty faults. */
const experiment = tinyExperiment({
  training: { epochs: 120, evaluateEvery: 60, checkpointEverySteps: 20 },
});

interface Outcome {
  readonly losses: readonly number[];
  readonly versions: number;
  /** Of the queue at the end, as text. */
  readonly rows: readonly string[];
}

/**
 * `npm run bench -- faults`: five real processes, one of which is killed with
 * SIGKILL every half second or so and started again, while runs go on. What a
 * run left alone has is what each of them must have.
 */
export async function benchFaults() {
  await using world = await makeWorld();
  const nats = await startNatsServer();
  try {
    const dataDir = join(world.runsDir, 'bank');
    await using cluster = await ProcessCluster.start(world, nats, {
      student: soon,
      orchestrator: {
        ...{ LEASE_MS: 2_000, MAX_ATTEMPTS: 100 },
        LEADER__LEASE_MS: 1_000,
      },
      'memory-bank': { DATA_DIR: dataDir, LOG_BYTES: 100_000 },
    });
    const alone = await outcomeOf(world, await toEnd(cluster, 'alone'));
    return await disturb(world, cluster, nats, alone);
  } finally {
    await nats.close();
  }
}

async function disturb(
  world: World,
  cluster: ProcessCluster,
  nats: NatsServer,
  alone: Outcome,
) {
  const rng = rngFrom(seed, 'faults');
  const counts = new Map<Victim, number>();
  let [injected, rowsLost, rowsDoubled, curvesChanged, runs] = [0, 0, 0, 0, 0];
  while (injected < faults) {
    const runId = `run-${runs++}`;
    const run = await toEnd(cluster, runId, async () => {
      if (injected === faults) return;
      const victim = victims[rng.integer(victims.length)]!;
      await strike(victim, cluster, nats, rng);
      counts.set(victim, (counts.get(victim) ?? 0) + 1);
      injected++;
    });
    const disturbed = await outcomeOf(world, run);
    const changed = !sameValues(disturbed.losses, alone.losses);
    const lost = missing(alone.rows, disturbed.rows);
    const doubled = missing(disturbed.rows, alone.rows);
    const versions = disturbed.versions - alone.versions;
    const tally = [...counts].map(([victim, n]) => `${victim} ${n}`).join(', ');
    console.log(
      `${runId}: ${phaseName(run)}, ${run.attempt} attempts, curve ${changed ? 'CHANGED' : 'equal'}, ` +
        `${lost} rows lost, ${doubled} doubled; so far ${tally}`,
    );
    curvesChanged += Number(changed);
    rowsLost += lost + Math.max(0, -versions);
    rowsDoubled += doubled + Math.max(0, versions);
  }
  return { injected, rowsLost, rowsDoubled, curvesChanged, runs };
}

/** Submits a run and waits for its end, with `meanwhile` again and again. */
async function toEnd(
  cluster: ProcessCluster,
  runId: string,
  meanwhile: () => Promise<void> = () => sleep(200),
): Promise<Run> {
  const orchestrator = openOrchestrator(cluster.orchestratorAddress);
  try {
    await orchestrator.submit(experiment, runId);
    for (;;) {
      await meanwhile();
      // The orchestrator, or its bus, may be away at the moment.
      const run = await orchestrator.get(runId).catch(() => undefined);
      if (run && isFinal(run)) return run;
      await sleep(20);
    }
  } finally {
    orchestrator.close();
  }
}

async function strike(
  victim: Victim,
  cluster: ProcessCluster,
  nats: NatsServer,
  rng: Rng,
): Promise<void> {
  if (victim === 'nats') {
    await nats.kill();
    await sleep(rng.integer(300));
    await nats.restart();
  } else {
    await cluster.kill(victim);
    await sleep(rng.integer(300));
    await cluster.spawn(victim);
  }
  await sleep(200 + rng.integer(600));
}

async function outcomeOf({ runsDir }: World, run: Run): Promise<Outcome> {
  const { runId, result } = run;
  if (!result) {
    const reason = run.failure?.message ?? phaseName(run);
    throw new Error(`${runId} did not succeed: ${reason}`);
  }
  const { training } = await readCheckpoint(result.checkpoint);
  return {
    losses: await lossesOf(runsDir, runId),
    versions: result.bankVersions,
    rows: rowsOf(training!['queue.rows']!),
  };
}

function rowsOf({ shape, data }: HostTensor): string[] {
  const [count, width] = shape as [number, number];
  return Array.from({ length: count }, (_, row) =>
    data.subarray(row * width, (row + 1) * width).join(),
  );
}

/** How many of `wanted` are not in `given`, each as often as it is there. */
function missing(wanted: readonly string[], given: readonly string[]): number {
  const left = new Map<string, number>();
  for (const row of given) left.set(row, (left.get(row) ?? 0) + 1);
  return wanted.filter((row) => {
    const count = left.get(row) ?? 0;
    left.set(row, count - 1);
    return count <= 0;
  }).length;
}

function sameValues(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
