import { describe, expect, it, onTestFinished } from 'vitest';
import type { Bus } from '#runtime/bus/bus.js';
import { openBus } from '#runtime/bus/index.js';
import { publishRunEvent, type RunEvent } from '#runtime/bus/run-events.js';
import { subjects } from '#runtime/bus/subjects.js';
import { isHeld } from './held.js';

const held = { runId: 'a', attempt: 3 };

/** The bus, and whether the run is held as far as it tells. */
async function ask(leaseMs = 60_000) {
  const bus = await openBus({ kind: 'in-process' });
  onTestFinished(() => bus.close());
  const stop = new AbortController();
  const answer = () => isHeld(held, { bus, leaseMs, signal: stop.signal });
  return { bus, answer, stop };
}

function say(bus: Bus, attempt: number, type: 'running' | 'released') {
  const event: RunEvent = { type, attempt, worker: 'w' };
  return publishRunEvent(bus, 'a', event);
}

function tell(bus: Bus, attempt: number, phase: string) {
  const about = { runId: 'a', transition: 1, worker: 'w', atMs: 1 };
  const event = { ...about, attempt, phase };
  return bus.publish(subjects.runTransition('a'), event);
}

describe('a run is held', () => {
  it('if its worker says so from now on', async () => {
    const { bus, answer } = await ask();
    await tell(bus, 3, 'running');
    await say(bus, 3, 'released'); // not by now
    const asked = answer();
    await say(bus, 2, 'running');
    await say(bus, 3, 'running');
    expect(await asked).toBe(true);
  });

  it('not if its worker lets it go', async () => {
    const { bus, answer } = await ask();
    const asked = answer();
    await say(bus, 3, 'released');
    expect(await asked).toBe(false);
  });

  it.each(['succeeded', 'failed', 'cancelled', 'paused'])(
    'not if it is known to be %s',
    async (phase) => {
      const { bus, answer } = await ask();
      for (const attempt of [2, 3]) await tell(bus, attempt, phase);
      expect(await answer()).toBe(false);
    },
  );

  it('not if it is known under a later attempt', async () => {
    const { bus, answer } = await ask();
    await tell(bus, 4, 'resuming');
    expect(await answer()).toBe(false);
  });

  it('for all that ended before it', async () => {
    const { bus, answer } = await ask();
    await tell(bus, 2, 'failed');
    const asked = answer();
    await say(bus, 3, 'running');
    expect(await asked).toBe(true);
  });

  it('not if nothing is said for a lease, or by the signal', async () => {
    expect(await (await ask(30)).answer()).toBe(false);
    const { answer, stop } = await ask();
    const asked = answer();
    stop.abort();
    expect(await asked).toBe(false);
  });
});
