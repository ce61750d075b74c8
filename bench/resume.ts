import { rngFrom } from '#distill/data/rng.js';
import type { Experiment } from '#distill/experiment.js';
import { manifestSchema, readManifest } from '#runtime/checkpoint/index.js';
import { openOrchestrator } from '../cli/orchestrator-client.js';
import { lossesOf, runToEnd } from '../test/cluster.js';
import { startNatsServer } from '../test/nats.js';
import { ProcessCluster } from '../test/processes.js';
import { makeWorld, tinyExperiment } from '../test/world.js';

/** Of the run that is disturbed; its worker dies at a random step each time. */
const kills = 2;
const seed = 5;

const settings = {
  student: { HEARTBEAT_MS: 200, LEASE_MS: 3_000, ENGINE: 'onnx' },
  orchestrator: { LEASE_MS: 3_000, MAX_ATTEMPTS: kills + 2 },
};

/**
 * `npm run bench -- resume`: four real processes; the student is killed with
 * SIGKILL again and again, and a new one goes on from the checkpoint. Losses
 * and final weights must be those of a run left alone, bit by bit.
 */
export async function benchResume() {
  await using world = await makeWorld();
  const nats = await startNatsServer();
  try {
    await using cluster = await ProcessCluster.start(world, nats, settings);
    const experiment = tinyExperiment({
      engine: 'onnx',
      training: { epochs: 6, checkpointEverySteps: 4 },
    });
    const address = cluster.orchestratorAddress;
    const alone = await runToEnd(address, experiment, 'alone');
    await disturb(cluster, experiment, 'killed');
    const killed = await runToEnd(address, experiment, 'killed');
    const [expected, actual] = await Promise.all(
      ['alone', 'killed'].map((id) => lossesOf(world.runsDir, id)),
    );
    const [expectedHash, actualHash] = await Promise.all(
      [alone, killed].map((run) => weightsHash(run.result?.checkpoint ?? '')),
    );
    const bitEqual =
      JSON.stringify(expected) === JSON.stringify(actual) &&
      expectedHash === actualHash;
    console.log(`${actual?.length} steps, ${killed.attempt} workers`);
    return { bitEqual, kills: killed.attempt - 1 };
  } finally {
    await nats.close();
  }
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
    let next = 3 + rng.integer(12);
    for await (const { progress, attempt } of orchestrator.watch(runId)) {
      // A record of the attempt before tells nothing about this one.
      if (attempt !== killed + 1 || (progress?.step ?? 0) < next) continue;
      await cluster.kill('student');
      await cluster.spawn('student');
      next += 3 + rng.integer(12);
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
