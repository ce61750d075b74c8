import { describe, expect, it } from 'vitest';
import type { Bus } from '#runtime/bus/bus.js';
import {
  type RunTransition,
  runTransitionSchema,
} from '#runtime/bus/run-events.js';
import { subjects } from '#runtime/bus/subjects.js';
import { openOrchestrator } from '../../cli/orchestrator-client.js';
import { createLogger } from '#runtime/logger.js';
import { toConfig } from '../../services/orchestrator/config.js';
import { startOrchestrator } from '../../services/orchestrator/service.js';
import { runToEnd, startCluster } from '../cluster.js';
import { makeWorld, tinyExperiment } from '../world.js';

/** Every transition of a run that the bus has, until `enough`. */
async function transitionsOf(
  bus: Bus,
  runId: string,
  enough: (all: readonly RunTransition[]) => boolean,
): Promise<RunTransition[]> {
  const stop = new AbortController();
  const all: RunTransition[] = [];
  const options = { from: 'start', signal: stop.signal } as const;
  for await (const { data } of bus.subscribe(
    subjects.runTransition(runId),
    options,
  )) {
    all.push(runTransitionSchema.parse(data));
    if (enough(all)) stop.abort();
  }
  return all;
}

const ended = (all: readonly RunTransition[]) =>
  /^(succeeded|cancelled)$/.test(all.at(-1)!.phase);

describe('the transitions of runs, on the bus', () => {
  it('are all there, in order, once', async () => {
    await using world = await makeWorld();
    await using cluster = await startCluster(world);
    const { bus, orchestratorAddress } = cluster;
    await runToEnd(orchestratorAddress, tinyExperiment(), 'told');
    const told = await transitionsOf(bus, 'told', ended);
    expect(told.map(({ phase }) => phase)).toEqual([
      ...['pending', 'preparing', 'running', 'evaluating', 'succeeded'],
    ]);
    expect(told.map(({ transition }) => transition)).toEqual([1, 2, 3, 4, 5]);
    expect(told.map(({ worker }) => worker)).toEqual([
      ...['', 'local-1', 'local-1', 'local-1', 'local-1'],
    ]);
    const times = told.map(({ atMs }) => atMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  }, 60_000);

  it('are not told twice by an orchestrator that comes back', async () => {
    await using world = await makeWorld();
    await using cluster = await startCluster(world, { students: 0 });
    const { bus, orchestratorAddress } = cluster;
    const orchestrator = openOrchestrator(orchestratorAddress);
    await orchestrator.submit(tinyExperiment(), 'waiting');
    const log = createLogger('test', { level: 'silent' });
    const successor = await startOrchestrator(toConfig(), { bus, log });
    await successor.close();
    await orchestrator.cancel('waiting');
    orchestrator.close();
    const told = await transitionsOf(bus, 'waiting', ended);
    expect(told.map(({ phase }) => phase)).toEqual(['pending', 'cancelled']);
  }, 60_000);
});
