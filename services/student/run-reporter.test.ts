import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openBus } from '#runtime/bus/index.js';
import { type RunEvent, runEvents } from '#runtime/bus/run-events.js';
import { type ReporterOptions, RunReporter } from './run-reporter.js';

async function reporter(settings: Partial<ReporterOptions> = {}) {
  const bus = await openBus({ kind: 'in-process' });
  const heard: RunEvent[] = [];
  const stop = new AbortController();
  const { signal } = stop;
  const hearing = (async () => {
    for await (const { event } of runEvents(bus, 'run-a', {
      from: 'start',
      signal,
    })) {
      if (event) heard.push(event);
    }
  })();
  const told = new RunReporter({
    ...{ bus, runId: 'run-a', attempt: 2, worker: 'w', leaseMs: 1_000 },
    ...{ heartbeatMs: 20, progressMs: 5 },
    onUnheard: () => {},
    onFailure: () => {},
    ...settings,
  });
  const close = async () => {
    await sleep(30);
    stop.abort();
    await hearing;
    await bus.close();
  };
  return { bus, told, heard, close };
}

function progressAt(step: number) {
  return {
    ...{ step, totalSteps: 9, epoch: 1, loss: 1, lossTerms: {} },
    ...{ imagesPerSecond: 1, learningRate: 0.1 },
  };
}

describe('RunReporter', () => {
  it('says who it is, keeps the order, and ends with the last word', async () => {
    const { told, heard, close } = await reporter({ heartbeatMs: 10_000 });
    await told.claim();
    told.running();
    told.progress(progressAt(1));
    told.progress(progressAt(2)); // too soon; merged
    told.progress(progressAt(3));
    told.evaluating();
    await told.end({ type: 'cancelled' });
    await close();
    expect(heard.map(({ type }) => type)).toEqual([
      ...['claimed', 'running', 'progress', 'evaluating', 'cancelled'],
    ]);
    expect(heard[2]).toMatchObject({ progress: { step: 3 } });
    expect(heard.every((e) => e.attempt === 2 && e.worker === 'w')).toBe(true);
  });

  it('repeats itself while there is nothing new, then falls silent', async () => {
    const { told, heard, close } = await reporter();
    await told.claim();
    told.evaluating();
    await sleep(150);
    await told.end();
    const count = heard.length;
    expect(count).toBeGreaterThan(4);
    expect(new Set(heard.slice(1).map(({ type }) => type))).toEqual(
      new Set(['evaluating']),
    );
    await sleep(60);
    await close();
    expect(heard.length).toBe(count);
  });

  it('notices that nobody hears it', async () => {
    let unheard = 0;
    const failures: unknown[] = [];
    const { bus, told, close } = await reporter({
      leaseMs: 50,
      onUnheard: () => unheard++,
      onFailure: (error) => failures.push(error),
    });
    await told.claim();
    await bus.close();
    await sleep(200);
    await told.end();
    expect(unheard).toBeGreaterThan(0);
    expect(failures.length).toBeGreaterThan(0);
    await close();
  });
});
