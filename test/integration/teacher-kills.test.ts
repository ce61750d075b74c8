import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rngFrom } from '#distill/data/rng.js';
import { createNetwork } from '#distill/models/index.js';
import {
  modelManifestSchema,
  readCheckpoint,
  writeCheckpoint,
} from '#runtime/checkpoint/index.js';
import { createEngine } from '#runtime/compute/index.js';
import { openDatasets } from '#runtime/data/index.js';
import { lossesOf, runToEnd } from '../cluster.js';
import { testEngine } from '../engine.js';
import { natsMissing, type NatsServer, startNatsServer } from '../nats.js';
import { trainInOneProcess } from '../one-process.js';
import {
  ProcessCluster,
  spawnService,
  type ServiceProcess,
} from '../processes.js';
import { makeWorld, tinyExperiment, type World } from '../world.js';

/** `RRD_TEACHER_KILL_STEPS=300 npm test -- dist/test/integration/teacher-kills` */
const steps = Number(process.env['RRD_TEACHER_KILL_STEPS'] ?? 60);
const stepsPerEpoch = 6;
const restMs = steps >= 300 ? 1_000 : 100;
const engine = testEngine;
/** Slow beside its teacher, so that a short run sees several kills. */
const student = { network: 'resnet20' } as const;

const missing = natsMissing();

describe.skipIf(missing)(
  `a run whose two teachers are killed in turn${missing ? `: SKIPPED, ${missing}` : ''}`,
  () => {
    let world: World;
    let nats: NatsServer;
    let cluster: ProcessCluster;
    const teachers: ServiceProcess[] = [];
    let ended = false;

    async function spawnTeacher(modelsDir: string, port = 0, more = {}) {
      return spawnService('teacher', {
        ...{ MODELS_DIR: modelsDir, ENGINE: engine, LISTEN__PORT: port },
        ...more,
        DATASETS__TINY: world.datasets['tiny']!,
      });
    }

    /** Lines of the student's log that say `message` of `address`. */
    const told = (message: string, address: string) =>
      cluster
        .all('student')[0]!
        .log.filter((line) => line.includes(`"${message}"`))
        .filter((line) => line.includes(address)).length;

    beforeAll(async () => {
      world = await makeWorld();
      nats = await startNatsServer();
      for (let i = 0; i < 2; i++) {
        teachers.push(await spawnTeacher(world.modelsDir));
      }
      const addresses = teachers.map(({ address }) => address).join(',');
      cluster = await ProcessCluster.start(world, nats, {
        student: { TEACHER: addresses, DEADLINES__EXTRACT_ATTEMPT_MS: 2_000 },
      });
    }, 60_000);

    afterAll(async () => {
      await cluster[Symbol.asyncDispose]();
      for (const teacher of teachers) await teacher.kill();
      await nats.close();
      await world[Symbol.asyncDispose]();
    });

    /** Kills teacher `i` and lets it come back, so that it serves again. */
    async function killAndReturn(i: number): Promise<void> {
      const { address } = teachers[i]!;
      await teachers[i]!.kill();
      await sleep(restMs);
      const port = Number(address.split(':')[1]);
      teachers[i] = await spawnTeacher(world.modelsDir, port);
      const { log } = teachers[i];
      const serves = () => ended || log.some((l) => l.includes('"loaded"'));
      await expect.poll(serves, { timeout: 30_000 }).toBe(true);
    }

    it('has the losses of a run that nobody disturbed', async () => {
      const training = { epochs: steps / stepsPerEpoch };
      const tiny = tinyExperiment({ engine, training });
      const experiment = { ...tiny, student };
      const end = runToEnd(cluster.orchestratorAddress, experiment, 'kills');
      const settled = end.finally(() => (ended = true));
      settled.catch(() => {});
      const started = () => told('teacher joined', teachers[1]!.address) > 0;
      await expect.poll(started, { timeout: 30_000 }).toBe(true);
      let kills = 0;
      while (!ended) await killAndReturn(kills++ % 2);
      const { result } = await settled;
      expect(result?.bankVersions).toBe(steps);
      expect(told('teacher lost', '127.0.0.1')).toBeGreaterThan(0);
      const reference = await trainInOneProcess({
        ...{ experiment, steps, teacher: world.teacher },
        engine: await createEngine(engine),
        dataset: await openDatasets(world.datasets).get('tiny'),
      });
      expect(await lossesOf(world.runsDir, 'kills')).toEqual(reference.losses);
      console.log(`${kills} kills in ${steps} steps: the same losses`);
    }, 580_000);

    it('refuses a replica that has other weights, by its address', async () => {
      const modelsDir = join(world.modelsDir, '..', 'other-models');
      const { manifest } = await readCheckpoint(
        join(world.modelsDir, 'teacher'),
        modelManifestSchema,
      );
      const network = createNetwork('resnet8', manifest.classCount);
      const tensors = network.init(rngFrom(4, 'other'));
      const folder = join(modelsDir, 'teacher');
      await writeCheckpoint(folder, { tensors, manifest: { ...manifest } });
      const { address } = teachers[1]!;
      await teachers[1]!.kill();
      const port = Number(address.split(':')[1]);
      // Who is still loading when a run begins is compared only later.
      const ready = { PRELOAD: 'teacher' };
      teachers[1] = await spawnTeacher(modelsDir, port, ready);
      // So long that it is still going on when the replica has been looked at.
      const experiment = tinyExperiment({ training: { epochs: 1000 } });
      const end = runToEnd(cluster.orchestratorAddress, experiment, 'other');
      await expect(end).rejects.toMatchObject({
        reason: 'TEACHER_MISMATCH',
        metadata: {
          source: expect.stringMatching(/^127\.0\.0\.1:\d+$/) as string,
        },
      });
    }, 60_000);
  },
);
