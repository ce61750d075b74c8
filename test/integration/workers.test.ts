import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Experiment } from '#distill/experiment.js';
import type { NamedHostTensors } from '#distill/tensors.js';
import { readCheckpoint } from '#runtime/checkpoint/index.js';
import { Classifier } from '#runtime/classifier.js';
import { createEngine } from '#runtime/compute/index.js';
import { openDatasets } from '#runtime/data/index.js';
import {
  lossesOf,
  measurementsOf,
  runToEnd,
  startCluster,
} from '../cluster.js';
import { testEngine } from '../engine.js';
import { trainInOneProcess } from '../one-process.js';
import { longExperiment, makeWorld, type World } from '../world.js';

const noTls = spawnSync('openssl', ['version']).status !== 0;
const steps = 54; // 9 epochs of 6

async function oneProcess(world: World, experiment: Experiment) {
  const engine = await createEngine(testEngine);
  const dataset = await openDatasets(world.datasets).get('tiny');
  const { teacher } = world;
  return trainInOneProcess({ experiment, engine, dataset, teacher, steps });
}

/** What a trained network scores, and how often the teacher agrees. */
async function evaluationOf(world: World, state: NamedHostTensors) {
  const engine = await createEngine(testEngine);
  const dataset = await openDatasets(world.datasets).get('tiny');
  const { network, state: taught } = world.teacher;
  const classesOf = async (state: NamedHostTensors) => {
    const classifier = await Classifier.create(engine, network, dataset, state);
    return classifier.classes();
  };
  const [found, teacher] = [await classesOf(state), await classesOf(taught)];
  const test = dataset.split('test');
  const shareThat = (fits: (found: number, index: number) => boolean) =>
    found.filter(fits).length / test.size;
  return {
    testAccuracy: shareThat((own, i) => own === test.label(i)),
    agreementWithTeacher: shareThat((own, i) => own === teacher[i]),
  };
}

describe('ranks over several workers equal one process', () => {
  it.each([
    [2, 2, 'before', 4, 'float32'],
    [4, 3, 'after', 1, 'bfloat16'],
  ] as const)(
    '%i ranks on %i workers, loss and state, enqueueing %s, prefetch %i, gradients in %s',
    async (ranks, workers, enqueue, prefetch, gradientPrecision) => {
      await using world = await makeWorld();
      await using cluster = await startCluster(world, { students: workers });
      const address = cluster.orchestratorAddress;
      const experiment = {
        ...longExperiment(enqueue, prefetch, ranks),
        ...{ workers, gradientPrecision },
      };
      const reference = await oneProcess(world, experiment);
      const { result } = await runToEnd(address, experiment, 'spread');
      expect(await lossesOf(world.runsDir, 'spread')).toEqual(reference.losses);
      expect(result?.bankVersions).toBe(steps);
      const saved = await readCheckpoint(result!.checkpoint);
      const state = { ...saved.tensors, ...saved.training };
      expect(state).toMatchObject(reference.state);
      // The last worker has the only batch of the test split to evaluate.
      const recorded = await measurementsOf(world.runsDir, 'spread');
      const evaluations = recorded.filter(({ type }) => type === 'evaluation');
      expect(evaluations).toHaveLength(2);
      const evaluation = await evaluationOf(world, saved.tensors);
      expect(evaluations.at(-1)).toMatchObject(evaluation);
    },
    240_000,
  );

  it.skipIf(noTls)(
    `also where everyone shows a certificate${noTls ? ' (SKIPPED: no openssl)' : ''}`,
    async () => {
      await using world = await makeWorld();
      const { server, client } = certificates(world.runsDir);
      const listen = { listen: { tls: server } };
      await using cluster = await startCluster(world, {
        students: 2,
        settings: {
          teacher: listen,
          memoryBank: listen,
          student: { ...listen, tls: client },
        },
      });
      const experiment = { ...longExperiment('before', 4, 2), workers: 2 };
      const reference = await oneProcess(world, experiment);
      await runToEnd(cluster.orchestratorAddress, experiment, 'tls');
      expect(await lossesOf(world.runsDir, 'tls')).toEqual(reference.losses);
    },
    60_000,
  );
});

/** One that signs itself, for servers and their callers alike. */
function certificates(folder: string) {
  mkdirSync(folder, { recursive: true });
  const options =
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1' +
    ' -subj /CN=rrd -addext subjectAltName=IP:127.0.0.1' +
    ' -keyout tls.key -out tls.crt';
  execFileSync('openssl', options.split(' '), { cwd: folder, stdio: 'pipe' });
  const [certPath, keyPath] = [
    join(folder, 'tls.crt'),
    join(folder, 'tls.key'),
  ];
  const own = { certPath, keyPath, caPath: certPath };
  return { server: own, client: own };
}
