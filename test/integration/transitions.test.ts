import { describe, expect, it } from 'vitest';
import type { Bus } from '#runtime/bus/bus.js';
import {
  type RunTransition,
  runTransitionSchema,
} from '#runtime/bus/run-events.js';
import { subjects } from '#runtime/bus/subjects.js';
import { openBus } from '#runtime/bus/index.js';
import {
  openOrchestrator,
  type OrchestratorClient,
} from '../../cli/orchestrator-client.js';
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
    const bus = await openBus({ kind: 'in-process' });
    const log = createLogger('test', { level: 'silent' });
    const during = async (
      act: (client: OrchestratorClient) => Promise<unknown>,
    ) => {
      const service = await startOrchestrator(toConfig(), { bus, log });
      const orchestrator = openOrchestrator(service.address);
      await act(orchestrator);
      orchestrator.close();
      await service.close();
    };
    await during((client) => client.submit(tinyExperiment(), 'waiting'));
    await during((client) => client.cancel('waiting'));
    const told = await transitionsOf(bus, 'waiting', ended);
    expect(told.map(({ phase }) => phase)).toEqual(['pending', 'cancelled']);
    await bus.close();
  }, 60_000);
});
