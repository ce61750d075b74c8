import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { claimProcess } from './claim.js';

/** What a claim of another thread comes to. */
async function elsewhere(): Promise<string> {
  const path = new URL('./claim.js', import.meta.url).href;
  const code = `
    const { parentPort } = require('node:worker_threads');
    import(${JSON.stringify(path)})
      .then(({ claimProcess }) => claimProcess())
      .then(() => 'claimed', (error) => error.reason)
      .then((outcome) => parentPort.postMessage(outcome));`;
  const worker = new Worker(code, { eval: true });
  const [outcome] = (await once(worker, 'message')) as [string];
  await worker.terminate();
  return outcome;
}

it('is one thread at a time, as often as that thread wants', async () => {
  const ends = [await claimProcess(), await claimProcess()];
  expect(await elsewhere()).toBe('ENGINE_UNAVAILABLE');
  ends[0]!();
  ends[0]!(); // does not end the other claim
  expect(await elsewhere()).toBe('ENGINE_UNAVAILABLE');
  ends[1]!();
  await new Promise(setImmediate);
  expect(await elsewhere()).toBe('claimed');
});
