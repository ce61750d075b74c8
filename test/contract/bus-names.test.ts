import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { defaultWorkSettings } from '#runtime/bus/bus.js';
import { runTransitionSchema, stopRequests } from '#runtime/bus/run-events.js';
import { runsQueue, subjects } from '#runtime/bus/subjects.js';
import { natsMissing } from '../nats.js';
import {
  eachOnStage,
  type HandWorker,
  openInProcess,
  type OpenBus,
  openNats,
  type Stage,
} from './bus-stage.js';

/** What is left of a run that was forgotten, when its name is used again. */
function suite(open: OpenBus) {
  let stage: Stage;
  eachOnStage(open, (entered) => (stage = entered), { finishedTtlMs: 200 });

  /** A worker has it when it is cancelled. */
  async function cancelUnderWay(runId: string): Promise<HandWorker> {
    await stage.submit(runId);
    const worker = stage.worker('w1');
    await worker.claim();
    worker.hum();
    await stage.until(runId, 'RUNNING');
    await stage.client.cancelRun({ runId });
    await worker.stopRequest();
    worker.hush();
    await worker.say({ type: 'cancelled' });
    return worker;
  }

  const isKnown = (runId: string) =>
    stage.client.getRun({ runId }).then(
      () => true,
      () => false,
    );
  const forgotten = (runId: string) =>
    expect.poll(() => isKnown(runId), { timeout: 10_000 }).toBe(false);

  /** The stop requests of `forMs` that a worker has to obey. */
  async function stopsOf({ runId, attempt, name }: HandWorker, forMs: number) {
    const holder = { attempt, worker: name, epoch: 1 };
    const signal = AbortSignal.timeout(forMs);
    const stops: string[] = [];
    for await (const { reason } of stopRequests(
      stage.bus,
      runId,
      holder,
      signal,
    ))
      stops.push(reason);
    return stops;
  }

  it('is offered, told and left alone, whatever the earlier one was told', async () => {
    const earlier = await cancelUnderWay('a');
    await forgotten('a');
    await stage.submit('a');
    const worker = stage.worker('w1');
    await worker.claim();
    worker.hum();
    await stage.until('a', 'RUNNING');
    expect(await stopsOf(worker, 300)).toEqual([]);
    // It speaks for a run that is no more.
    await earlier.say({ type: 'running' });
    expect((await earlier.stopRequest())?.reason).toMatch(
      /cancelled|lease-lost/,
    );
    expect(await stopsOf(worker, 300)).toEqual([]);
    const told: string[] = [];
    const from = { from: 'start', signal: AbortSignal.timeout(300) } as const;
    const pattern = subjects.runTransition('a');
    for await (const { data } of stage.bus.subscribe(pattern, from))
      told.push(runTransitionSchema.parse(data).phase);
    expect(told).toEqual([
      ...['pending', 'preparing', 'running', 'cancelled'],
      ...['pending', 'preparing', 'running'],
    ]);
  });

  it('is not given up for what the queue gave up before', async () => {
    await stage.submit('a');
    const take = (patienceMs: number) =>
      stage.bus.take(runsQueue, AbortSignal.timeout(patienceMs));
    for (let i = 0; i < defaultWorkSettings.maxDeliveries; i++)
      await (await take(5_000))?.release();
    expect(await take(300)).toBeUndefined();
    await forgotten('a');
    const restart = async () => {
      await stage.stop();
      await stage.start({ claimTimeoutMs: 60_000 });
    };
    await restart();
    await stage.submit('a');
    // Every orchestrator reads anew what the queue gave up.
    await restart();
    await sleep(300);
    await stage.worker('w1').claim();
    await stage.until('a', 'PREPARING');
  });
}

describe('a name used again, on the in-process bus', () =>
  suite(openInProcess));

const missing = natsMissing();
const skipped = missing ? ` (${missing})` : '';
describe.skipIf(missing)(`a name used again, on NATS${skipped}`, () =>
  suite(openNats),
);
