import { describe, expect, it } from 'vitest';
import { RunCancelledError, ThreadLostError } from '#runtime/errors.js';
import { within } from './within.js';

const late = (waitedMs: number) =>
  new ThreadLostError({ thread: 'slow', problem: `${waitedMs}` });
const never = new Promise<number>(() => {});

describe('within', () => {
  it('passes on a result and a failure', async () => {
    const patience = { ms: 1_000, signal: new AbortController().signal, late };
    expect(await within(Promise.resolve(7), patience)).toBe(7);
    const failure = new RunCancelledError({ runId: 'a' });
    await expect(within(Promise.reject(failure), patience)).rejects.toBe(
      failure,
    );
  });

  it('ends a wait that lasts too long', async () => {
    const { signal } = new AbortController();
    await expect(within(never, { ms: 5, signal, late })).rejects.toThrow(
      ThreadLostError,
    );
  });

  it('ends with the reason of an abort, before or during the wait', async () => {
    const stop = new AbortController();
    const reason = new RunCancelledError({ runId: 'a' });
    const patience = { ms: 10_000, signal: stop.signal, late };
    const during = within(never, patience);
    stop.abort(reason);
    await expect(during).rejects.toBe(reason);
    await expect(within(never, patience)).rejects.toBe(reason);
  });
});
