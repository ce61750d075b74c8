import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Bus } from '#runtime/bus/bus.js';
import { openBus } from '#runtime/bus/index.js';
import {
  publishRunEvent,
  runEvents,
  type RunWork,
} from '#runtime/bus/run-events.js';
import { runsQueue, subjects } from '#runtime/bus/subjects.js';
import { openDatasets } from '#runtime/data/index.js';
import { ServiceUnavailableError } from '#runtime/errors.js';
import { createLogger } from '#runtime/logger.js';
import { toConfig, type StudentSettings } from './config.js';
import { StudentEvents } from './events.js';
import { GroupDoor } from './group/door.js';
import { StudentWorker } from './worker.js';

const heartbeatMs = 20;
const nowhere = '127.0.0.1:1';
/** No experiment: whoever takes it fails at once. */
const work: RunWork = { runId: 'a', attempt: 1, experiment: {} };

async function openInProcess(): Promise<Bus> {
  const bus = await openBus({ kind: 'in-process' });
  onTestFinished(() => bus.close());
  return bus;
}

function startWorker(bus: Bus, settings: StudentSettings = {}): StudentWorker {
  const worker = new StudentWorker({
    config: toConfig({ worker: 'w', heartbeatMs, ...settings }),
    ...{ address: nowhere, bus, door: new GroupDoor() },
    events: new StudentEvents(createLogger('test', { level: 'silent' })),
    datasets: openDatasets({}),
  });
  onTestFinished(() => worker.close());
  return worker;
}

/** The types of a run's events, as they come. */
function heardOf(bus: Bus, runId: string): string[] {
  const heard: string[] = [];
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const options = { from: 'start', signal: stop.signal } as const;
  const follow = async () => {
    for await (const { event } of runEvents(bus, runId, options))
      heard.push(event!.type);
  };
  void follow();
  return heard;
}

afterEach(() => void vi.restoreAllMocks());

describe('a worker', () => {
  it('lets a run go that it cannot take off the queue', async () => {
    const bus = await openInProcess();
    const fields = { service: 'NATS', address: 'far', waitedMs: 10_000 };
    const done = () => Promise.reject(new ServiceUnavailableError(fields));
    const take = bus.take.bind(bus);
    vi.spyOn(bus, 'take').mockImplementationOnce(async (...asked) => {
      const item = await take(...asked);
      return item && { ...item, done };
    });
    const heard = heardOf(bus, 'a');
    await bus.offer(runsQueue, work);
    startWorker(bus);
    await expect.poll(() => heard).toContain('released');
    await sleep(10 * heartbeatMs);
    expect(new Set(heard.slice(0, -1))).toEqual(new Set(['claimed']));
    expect(heard.at(-1)).toBe('released');
  });

  it('opens nothing for a seat of a run that is over, and goes on to the next', async () => {
    const bus = await openInProcess();
    const over = { ...work, runId: 'over' };
    const told = { phase: 'succeeded', attempt: 1, worker: 'v', atMs: 1 };
    const transition = { runId: 'over', transition: 4, ...told };
    await bus.publish(subjects.runTransition('over'), transition);
    const heard = heardOf(bus, 'a');
    const helping = vi.spyOn(StudentEvents.prototype, 'helping');
    for (let seats = 0; seats < 3; seats++)
      await bus.offer(runsQueue, { ...over, chief: nowhere });
    await bus.offer(runsQueue, work);
    const worker = startWorker(bus, { maxRuns: 1 });
    await expect.poll(() => heard).toContain('failed');
    await worker.ended;
    expect(helping).not.toHaveBeenCalled();
  });

  it('counts no run that it could not join', async () => {
    const bus = await openInProcess();
    const heldRun = { ...work, runId: 'held' };
    const event = { type: 'running', attempt: 1, worker: 'v' } as const;
    const beat = setInterval(
      () => void publishRunEvent(bus, 'held', event),
      heartbeatMs,
    );
    onTestFinished(() => clearInterval(beat));
    const heard = heardOf(bus, 'a');
    const helped = vi.spyOn(StudentEvents.prototype, 'helped');
    await bus.offer(runsQueue, { ...heldRun, chief: nowhere });
    await bus.offer(runsQueue, work);
    const worker = startWorker(bus, { maxRuns: 1 });
    await expect.poll(() => heard).toContain('failed');
    await worker.ended;
    expect(helped).toHaveBeenCalledOnce();
  });

  it('keeps a seat for a run that it could not have heard', async () => {
    const bus = await openInProcess();
    const back = { connected: true, sinceMs: Infinity };
    vi.spyOn(bus, 'connection').mockReturnValue(back);
    await bus.offer(runsQueue, { ...work, chief: nowhere });
    const worker = startWorker(bus, { leaseMs: 500 });
    await sleep(700);
    await worker.close();
    const item = await bus.take(runsQueue, AbortSignal.timeout(1_000));
    expect(item).toMatchObject({ work: { chief: nowhere } });
  });

  it('that leaves gives a seat back', async () => {
    const bus = await openInProcess();
    const worker = startWorker(bus);
    await bus.offer(runsQueue, { ...work, chief: nowhere });
    await sleep(50);
    await worker.close();
    const item = await bus.take(runsQueue, AbortSignal.timeout(1_000));
    expect(item).toMatchObject({ delivery: 2, work: { chief: nowhere } });
  });
});
