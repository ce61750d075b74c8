import { loadavg } from 'node:os';
import type { EngineChoice, EngineName } from '#runtime/compute/engine.js';
import { chooseEngine, createEngine } from '#runtime/compute/index.js';
import { openDatasets } from '#runtime/data/index.js';
import { table } from '../cli/text.js';
import { runToEnd } from '../test/cluster.js';
import { type NatsServer, startNatsServer } from '../test/nats.js';
import { trainInOneProcess } from '../test/one-process.js';
import { ProcessCluster } from '../test/processes.js';
import type { World } from '../test/world.js';
import { threads } from './side-by-side.js';
import { median, round } from './statistics.js';
import {
  makeWholeStepWorld,
  stepsOfRun,
  timesOf,
  wholeStep,
  wholeStepExperiment,
} from './whole-step.js';

const rounds = 3;

/**
 * `npm run bench -- services-vs-in-process`: four processes on a nats-server
 * beside one loop without services, on the same cores, in turn. Every image is
 * new to the teacher. The losses must be the same, bit by bit.
 */
export async function benchServices(
  choice: EngineChoice = 'auto',
): Promise<object> {
  process.env['TF_NUM_INTRAOP_THREADS'] = String(threads); // read when it loads
  const name = await chooseEngine(choice);
  await using world = await makeWholeStepWorld();
  const nats = await startNatsServer();
  try {
    return await compare(world, nats, name);
  } finally {
    await nats.close();
  }
}

async function compare(world: World, nats: NatsServer, name: EngineName) {
  const settings = { teacher: { ENGINE: name }, student: { ENGINE: name } };
  const environment = { TF_NUM_INTRAOP_THREADS: threads };
  await using cluster = await ProcessCluster.start(
    world,
    nats,
    settings,
    () => environment,
  );
  const dataset = await openDatasets({}).get('procedural');
  const engine = await createEngine(name);
  const services: number[] = [];
  const alone: number[] = [];
  let equal = true;
  for (let seed = 1; seed <= rounds; seed++) {
    const experiment = wholeStepExperiment(seed, name);
    const runId = `services-${seed}`;
    await runToEnd(cluster.orchestratorAddress, experiment, runId);
    const { ms, losses } = await timesOf(world.runsDir, runId);
    const perSecond = (1000 * wholeStep.batchSize) / mean(ms);
    services.push(perSecond);
    const { teacher } = world;
    const one = await trainInOneProcess({
      ...{ experiment, engine, dataset, teacher, steps: stepsOfRun },
    });
    alone.push(one.imagesPerSecond);
    equal &&= JSON.stringify(losses) === JSON.stringify(one.losses);
  }
  await engine.dispose();
  const [ours, peer] = [median(services), median(alone)];
  const cells = (rates: readonly number[]) => rates.map(Math.round).join(' ');
  console.log(
    table(
      ['img/s of each round', 'four processes', 'one loop'],
      [[name, cells(services), cells(alone)]],
    ),
  );
  return {
    ratio: { services: round(ours / peer) },
    ...{ engine: name, threads, equalLosses: equal, load: loadavg()[0]! },
    ...{ services: services.map(round), alone: alone.map(round) },
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
