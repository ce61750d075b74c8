import { describe, expect, it, onTestFinished } from 'vitest';
import type { JoinRequest } from '#proto/rrd/v1/JoinRequest.js';
import { WorkerLostError } from '../errors.js';
import { createLogger } from '../logger.js';
import { connect } from './client.js';
import { type Handlers, startServer } from './server.js';

const service = 'rrd.v1.CollectiveService';
const log = createLogger('test', { level: 'silent' });

async function open(join: Handlers<typeof service>['join']) {
  const server = await startServer({
    name: 'student',
    listen: {},
    handlers: {
      [service]: {
        join,
        exchange: () => {
          throw new Error('the test does not ask for it');
        },
      },
    },
    log,
  });
  const client = connect(service, server.address, { log });
  onTestFinished(async () => {
    client.close();
    await server.close();
  });
  return client;
}

/** Says one thing, and then keeps its side open. */
async function* saying(request: JoinRequest) {
  yield request;
  await new Promise(() => {});
}

const heartbeat: JoinRequest = { heartbeat: {} };
const lost = new WorkerLostError({ worker: 'w', silentMs: 1 });

describe('a stream both ways', () => {
  it('ends with the error of its handler, whatever else is on its way', async () => {
    const state = Buffer.alloc(2 ** 20);
    const client = await open(async function* (requests) {
      const reading = requests[Symbol.asyncIterator]();
      await reading.next();
      const next = reading.next();
      next.catch(() => {});
      yield { state };
      throw lost;
    });
    const signal = AbortSignal.timeout(5_000);
    const responses = client.join(saying(heartbeat), { signal });
    const heard: number[] = [];
    const reading = (async () => {
      for await (const { state } of responses) heard.push(state?.length ?? 0);
    })();
    await expect(reading).rejects.toMatchObject({ reason: 'WORKER_LOST' });
    expect(heard).toEqual([state.length]);
  });

  it('ends its requests when the caller has said all, or left', async () => {
    let ended = 0;
    const client = await open(async function* (requests) {
      try {
        for await (const request of requests)
          if (request.heartbeat) yield { heartbeat: {} };
      } finally {
        ended++;
      }
    });
    const all = (async function* () {
      yield* [heartbeat, heartbeat, heartbeat];
    })();
    let heard = 0;
    for await (const answer of client.join(all)) heard += answer ? 1 : 0;
    expect({ heard, ended }).toEqual({ heard: 3, ended: 1 });
    const left = client.join(saying(heartbeat))[Symbol.asyncIterator]();
    await left.next();
    await left.return?.();
    await expect.poll(() => ended).toBe(2);
  });
});
