import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCheckpoint } from '#runtime/checkpoint/index.js';
import type { LocalCluster } from '../../cli/local-cluster.js';
import {
  lossesOf,
  measurementsOf,
  offerToEnd,
  runToEnd,
  startCluster,
} from '../cluster.js';
import { makeWorld, tinyExperiment, type World } from '../world.js';

/** Two epochs of stage, then two of the run, of 6 steps each. */
const experimentOf = (loss: object) =>
  tinyExperiment({
    loss: { crossEntropy: 1, ...loss },
    training: { epochs: 2, learningRate: 0.01, checkpointEverySteps: 3 },
  });

const methods = ['ab', 'fsp', 'ft'] as const;
const stepsOfStage = 12;

let world: World;
let cluster: LocalCluster;

const checkpointsOf = (runId: string) =>
  join(world.runsDir, runId, 'checkpoints');

beforeAll(async () => {
  world = await makeWorld();
  const settings = { student: { keepCheckpoints: 100 } };
  cluster = await startCluster(world, { settings });
}, 60_000);

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

describe.each(methods)('the stage of %s', (name) => {
  const experiment = experimentOf({ [name]: { stageEpochs: 2 }, kd: {} });

  it('comes before the run, with a loss of its own', async () => {
    await runToEnd(cluster.orchestratorAddress, experiment, name);
    const lines = await measurementsOf(world.runsDir, name);
    const termsAt = (step: number) => {
      const line = lines.find((each) => each['step'] === step);
      return Object.keys(line!['lossTerms'] as object);
    };
    expect(termsAt(0)).toEqual([name]);
    expect(termsAt(stepsOfStage - 1)).toEqual([name]);
    const inRun = name === 'ft' ? ['ft'] : [];
    expect(termsAt(stepsOfStage)).toEqual(['crossEntropy', 'kd', ...inRun]);
    const evaluated = lines.filter(({ type }) => type === 'evaluation');
    expect(evaluated.map(({ step }) => step)).toEqual([17, 23]);
    const losses = await lossesOf(world.runsDir, name);
    expect(losses.length).toBe(24);
    expect(losses.every(Number.isFinite)).toBe(true);
  }, 120_000);

  it.each([3, stepsOfStage, 15])(
    'goes on bit by bit from the checkpoint of step %i',
    async (step) => {
      const runId = `${name}-${step}`;
      const part = `step-${String(step).padStart(8, '0')}`;
      const [from, to] = [name, runId].map(checkpointsOf) as [string, string];
      await cp(join(from, part), join(to, part), { recursive: true });
      const last = await offerToEnd(cluster.bus, {
        ...{ runId, attempt: 2, experiment },
      });
      expect(last).toMatchObject({ type: 'succeeded' });
      const losses = await lossesOf(world.runsDir, name);
      expect(await lossesOf(world.runsDir, runId)).toEqual(losses.slice(step));
      const [own, whole] = await Promise.all(
        [to, from].map((path) => readCheckpoint(join(path, 'step-00000024'))),
      );
      expect(own!.tensors).toEqual(whole!.tensors);
      expect(own!.training).toEqual(whole!.training);
    },
    120_000,
  );
});
