import { afterEach } from 'vitest';
import { createLogger } from '../logger.js';
import { connect } from './client.js';
import type { Call, Handlers } from './contract.js';
import { startServer, type ServerOptions } from './server.js';

/** A real server and client of which a test says only what it is about. */

export type Bank = Handlers<'rrd.v1.MemoryBankService'>;

const silent = createLogger('test', { level: 'silent' });
export const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const unused = () => {
  throw new Error('not part of this test');
};

export async function serve(
  handlers: Partial<Bank>,
  options: Partial<ServerOptions> = {},
) {
  const bank: Bank = {
    createQueue: unused,
    restoreQueue: unused,
    enqueue: unused,
    gatherRows: unused,
    subscribe: unused,
    getQueue: unused,
    getQueueHealth: unused,
    listQueues: unused,
    deleteQueue: unused,
    ...handlers,
  };
  const server = await startServer({
    name: 'bank',
    log: silent,
    listen: {},
    handlers: { 'rrd.v1.MemoryBankService': bank },
    ...options,
  });
  const client = connect('rrd.v1.MemoryBankService', server.address);
  cleanups.push(
    () => server.close(),
    () => client.close(),
  );
  return { server, client };
}

export const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

/** Ends only when its caller goes away. */
export const gone = ({ signal }: Call) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });
