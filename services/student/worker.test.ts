import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Bus } from '#runtime/bus/bus.js';
import { openBus } from '#runtime/bus/index.js';
import { runEvents } from '#runtime/bus/run-events.js';
import { runsQueue } from '#runtime/bus/subjects.js';
import { openDatasets } from '#runtime/data/index.js';
import { ServiceUnavailableError } from '#runtime/errors.js';
import { createLogger } from '#runtime/logger.js';
import { toConfig, type StudentSettings } from './config.js';
import { StudentEvents } from './events.js';
import { GroupDoor } from './group/door.js';
import { StudentWorker } from './worker.js';

const heartbeatMs = 20;
/** No experiment: whoever takes it fails at once. */
const work = { runId: 'a', attempt: 1, experiment: {} };

async function openInProcess(): Promise<Bus> {
  const bus = await openBus({ kind: 'in-process' });
  onTestFinished(() => bus.close());
  return bus;
}

function startWorker(bus: Bus, settings: StudentSettings = {}): StudentWorker {
  const worker = new StudentWorker({
    config: toConfig({ worker: 'w', heartbeatMs, ...settings }),
    ...{ address: '127.0.0.1:1', bus, door: new GroupDoor() },
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
});
