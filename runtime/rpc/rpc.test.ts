import { afterEach, describe, expect, it } from 'vitest';
import { createLogger } from '../logger.js';
import { QueueNotFoundError, BankBacklogError } from '../errors.js';
import { connect } from './client.js';
import type { Handlers } from './contract.js';
import { startServer } from './server.js';

const log = createLogger('test', { level: 'silent' });
type Bank = Handlers<'rrd.v1.MemoryBankService'>;
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
const unused = () => {
  throw new Error('not part of this test');
};
async function serve(handlers: Partial<Bank>) {
  const bank: Bank = {
    createQueue: unused,
    restoreQueue: unused,
    enqueue: unused,
    subscribe: unused,
    getQueue: unused,
    listQueues: unused,
    deleteQueue: unused,
    ...handlers,
  };
  const server = await startServer({
    name: 'bank',
    log,
    listen: {},
    handlers: { 'rrd.v1.MemoryBankService': bank },
  });
  const client = connect('rrd.v1.MemoryBankService', server.address);
  closing.push(
    () => server.close(),
    () => client.close(),
  );
  return { server, client };
}
describe('calls', () => {
  it('carry 5 MiB both ways', async () => {
    const data = Buffer.alloc(5 * 2 ** 20, 7);
    const { client } = await serve({
      enqueue: async ({ rows }) => ({
        duplicate: rows?.data.equals(data) === true,
      }),
      subscribe: async function* () {
        yield { delta: { version: 1, rows: { data } } };
      },
    });
    expect(await client.enqueue({ rows: { data } })).toEqual({
      duplicate: true,
    });
    for await (const { delta } of client.subscribe({ queue: 'q' })) {
      expect(delta?.rows?.data.equals(data)).toBe(true);
    }
  });
  it('rebuild the class that was thrown', async () => {
    const { client } = await serve({
      getQueue: async ({ queue }) => {
        throw new QueueNotFoundError({ queue });
      },
      subscribe: async function* () {
        yield { heartbeat: { version: 1 } };
        throw new BankBacklogError({ pendingSteps: 3 });
      },
    });
    const error = await client
      .getQueue({ queue: 'x' })
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(QueueNotFoundError);
    const it = client.subscribe({})[Symbol.asyncIterator]();
    await it.next();
    await expect(it.next()).rejects.toBeInstanceOf(BankBacklogError);
  });
});
