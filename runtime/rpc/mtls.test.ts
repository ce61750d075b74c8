import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServiceUnavailableError } from '../errors.js';
import {
  Authority,
  type Identity,
  opensslMissing,
} from './certificates.test-fixture.js';
import { connect } from './client.js';
import type { ClientTls } from './options.js';
import { serve } from './serve.test-fixture.js';

const missing = opensslMissing();
if (missing) console.warn(`SKIPPED: mTLS, since ${missing}`);

describe.skipIf(missing)('mTLS', () => {
  let authority: Authority;
  const identities: Record<string, Identity> = {};
  const at = (name: string) => join(authority.folder, name);
  const own = (name: string) => identities[name]!;

  beforeAll(() => {
    authority = new Authority();
    for (const [name, alternatives] of [
      ['server', 'DNS:bank.test,IP:127.0.0.1'],
      ['client', 'DNS:a.test'],
      ['student-7', 'DNS:b.test'],
      ['pod', 'DNS:ops.rrd.svc'],
    ] as const)
      identities[name] = authority.certify(name, alternatives);
  });
  afterAll(() => authority[Symbol.dispose]());

  async function start(accessPath?: string) {
    const { server } = await serve(
      {
        listQueues: () => Promise.resolve({ queues: [] }),
        deleteQueue: () => Promise.resolve({ deleted: true }),
        async *subscribe() {
          yield { heartbeat: { version: 1 } };
        },
      },
      { listen: { tls: { ...own('server'), accessPath } } },
    );
    return server.address;
  }

  async function asCaller<T>(
    address: string,
    tls: ClientTls | undefined,
    call: (client: ReturnType<typeof open>) => Promise<T>,
  ): Promise<T> {
    const client = open(address, tls);
    try {
      return await call(client);
    } finally {
      client.close();
    }
  }

  const open = (address: string, tls: ClientTls | undefined) =>
    connect('rrd.v1.MemoryBankService', address, { tls });
  const deadline = { deadlineMs: 5_000 };
  const list = (client: ReturnType<typeof open>) =>
    client.listQueues({}, deadline);

  it('lets in who shows a certificate of the authority, and nobody else', async () => {
    const address = await start();
    const client = own('client');
    for (const tls of [client, { ...client, serverName: 'bank.test' }])
      expect(await asCaller(address, tls, list)).toEqual({ queues: [] });
    for (const tls of [
      undefined,
      { caPath: at('ca.crt') },
      { ...client, serverName: 'other.test' },
    ]) {
      const refused = asCaller(address, tls, list);
      await expect(refused).rejects.toBeInstanceOf(ServiceUnavailableError);
    }
  });

  it('lets a caller do what the access rules name it for', async () => {
    const path = at('access.yaml');
    const bank = 'rrd.v1.MemoryBankService';
    writeFileSync(
      path,
      `${bank}/*: [client, student-*, "*.rrd.svc"]\n${bank}/DeleteQueue: ["ops.*"]\n`,
    );
    const address = await start(path);
    const drop = (client: ReturnType<typeof open>) =>
      client.deleteQueue({ queue: 'q' }, deadline);
    const read = async (client: ReturnType<typeof open>) => {
      for await (const message of client.subscribe({ queue: 'q' }))
        return message.heartbeat?.version;
      return undefined;
    };
    for (const name of ['client', 'student-7', 'pod']) {
      expect(await asCaller(address, own(name), list)).toEqual({ queues: [] });
      expect(await asCaller(address, own(name), read)).toBe(1);
    }
    expect(await asCaller(address, own('pod'), drop)).toEqual({
      deleted: true,
    });
    await expect(asCaller(address, own('client'), drop)).rejects.toMatchObject({
      ...{ reason: 'CALLER_NOT_ALLOWED', status: 'PERMISSION_DENIED' },
      metadata: { caller: 'client', method: `${bank}/DeleteQueue` },
    });
    for (const call of [list, read, drop]) {
      const refused = asCaller(address, own('server'), call as typeof list);
      await expect(refused).rejects.toMatchObject({
        reason: 'CALLER_NOT_ALLOWED',
      });
    }
  });

  it('does not start with rules that are none', async () => {
    const path = at('wrong.yaml');
    writeFileSync(path, 'DeleteQueue: everybody\n');
    await expect(start(path)).rejects.toMatchObject({
      reason: 'CONFIG_INVALID',
      metadata: { source: path, line: '1', field: 'DeleteQueue' },
    });
  });
});
