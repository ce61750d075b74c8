import { rngFrom } from '#distill/data/rng.js';
import type { Experiment } from '#distill/experiment.js';
import { manifestSchema, readManifest } from '#runtime/checkpoint/index.js';
import { engineProviders } from '#runtime/compute/index.js';
import { openOrchestrator } from '../cli/orchestrator-client.js';
import { lossesOf, runToEnd } from '../test/cluster.js';
import { startNatsServer } from '../test/nats.js';
import { ProcessCluster } from '../test/processes.js';
import { makeWorld, tinyExperiment, type World } from '../test/world.js';

/** Of the run that is disturbed; its worker dies at a random step each time. */
const kills = 2;
const seed = 5;
const engines = ['onnx', 'tensorflow'] as const;
type Engine = (typeof engines)[number];

/** `folder:DIR`, `cifar10:DIR`, ...; noise without. */
const images = process.env['RRD_DATA'];

/** Steps between checkpoints; from one kill to the next it is one to four times as many. */
const every = images === undefined ? 4 : 20;
const training =
  images === undefined ? { epochs: 6 } : { epochs: 1, batchSize: 64 };

const settings = {
  student: { HEARTBEAT_MS: 200, LEASE_MS: 3_000 },
  orchestrator: { LEASE_MS: 3_000, MAX_ATTEMPTS: kills + 2 },
};

/**
 * `RRD_DATA=folder:DIR npm run bench -- resume`: four real processes; the student
 * is killed with SIGKILL again and again, and a new one goes on from the
 * checkpoint. On each engine that is here, losses and final weights must be those
 * of a run left alone, bit by bit.
 */
export async function benchResume() {
  await using world = await makeWorld(images);
  const nats = await startNatsServer();
  try {
    await using cluster = await ProcessCluster.start(world, nats, settings);
    const outcomes = [];
    for (const engine of engines) {
      const problem = await missing(engine);
      if (problem) console.error(`bench: ${engine} is left out: ${problem}`);
      else outcomes.push(await compare(cluster, world, engine));
    }
    return {
      bitEqual: outcomes.every(({ bitEqual }) => bitEqual),
      kills: outcomes.reduce((sum, own) => sum + own.kills, 0),
      ...{ data: images ?? 'noise', outcomes },
    };
  } finally {
    await nats.close();
  }
}

async function missing(name: Engine): Promise<string | undefined> {
  return engineProviders.find((known) => known.name === name)!.missing();
}

/** A run left alone, and one that is not. */
async function compare(
  cluster: ProcessCluster,
  { runsDir }: World,
  engine: Engine,
) {
  const experiment = tinyExperiment({
    ...{ engine, training: { ...training, checkpointEverySteps: every } },
  });
  const address = cluster.orchestratorAddress;
  const ids = [`${engine}-alone`, `${engine}-killed`] as const;
  const alone = await runToEnd(address, experiment, ids[0]);
  await disturb(cluster, experiment, ids[1]);
  const killed = await runToEnd(address, experiment, ids[1]);
  const [expected, actual] = await Promise.all(
    ids.map((id) => lossesOf(runsDir, id)),
  );
  const [expectedHash, actualHash] = await Promise.all(
    [alone, killed].map((run) => weightsHash(run.result?.checkpoint ?? '')),
  );
  const bitEqual =
    JSON.stringify(expected) === JSON.stringify(actual) &&
    expectedHash === actualHash;
  const outcome = { engine, bitEqual, kills: killed.attempt - 1 };
  console.log({ ...outcome, steps: actual?.length });
  return { ...outcome, steps: actual?.length };
}

/** Kills the worker of a new run `kills` times, each a few steps further on. */
async function disturb(
  cluster: ProcessCluster,
  experiment: Experiment,
  runId: string,
): Promise<void> {
  const rng = rngFrom(seed, 'kills');
  const orchestrator = openOrchestrator(cluster.orchestratorAddress);
  try {
    await orchestrator.submit(experiment, runId);
    let killed = 0;
    let next = every + rng.integer(3 * every);
    for await (const { progress, attempt } of orchestrator.watch(runId)) {
      // A record of the attempt before tells nothing about this one.
      if (attempt !== killed + 1 || (progress?.step ?? 0) < next) continue;
      await cluster.kill('student');
      await cluster.spawn('student');
      next += every + rng.integer(2 * every);
      if (++killed === kills) return;
    }
  } finally {
    orchestrator.close();
  }
}

async function weightsHash(checkpoint: string): Promise<string | undefined> {
  const { files } = await readManifest(checkpoint, manifestSchema);
  return files['model.safetensors']?.sha256;
}
