import { execFileSync, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { nkeys } from '@nats-io/transport-node';
import {
  afterAll,
  beforeAll,
  describe,
  expect,
  it,
  onTestFinished,
  vi,
} from 'vitest';
import type { Bus } from '#runtime/bus/bus.js';
import { openBus } from '#runtime/bus/index.js';
import type { NatsSettings } from '#runtime/bus/nats.js';
import {
  BusFullError,
  ConfigInvalidError,
  ServiceUnavailableError,
} from '#runtime/errors.js';
import { startFaultyLink } from '../faulty-link.js';
import { natsMissing, startNatsServer, type NatsServer } from '../nats.js';
import { collect, contractWork, unique } from './bus.contract.js';

/** What only a server far away can do: die, refuse, be old, be full. */

const missing = natsMissing();
const named = (what: string) => `${what}${missing ? ` (${missing})` : ''}`;
const never = () => new AbortController().signal;
const open = (server: string, more: Partial<NatsSettings> = {}) =>
  openBus({ kind: 'nats', servers: [server], work: contractWork, ...more });

describe.skipIf(missing)(named('a nats-server that dies'), () => {
  let server: NatsServer;
  let bus: Bus;
  beforeAll(async () => {
    server = await startNatsServer();
    bus = await open(server.address);
  });
  afterAll(async () => {
    await bus.close();
    await server.close();
  });

  it('loses nothing acknowledged, and readers go on', async () => {
    const subject = `rrd.v1.test.${unique()}`;
    const events = bus.subscribe(subject, { from: 'now', signal: never() });
    const seen = collect(events, 400);
    let acknowledged = 0;
    const publishing = (async () => {
      for (let n = 0; n < 400; n++) {
        await bus.publish(subject, { n });
        acknowledged += 1;
        if (n === 100) void server.kill();
      }
    })();
    await vi.waitFor(() => expect(bus.connection().connected).toBe(false), {
      timeout: 10_000,
    });
    expect(acknowledged).toBeLessThan(400);
    await server.restart();
    await publishing;
    expect(bus.connection().connected).toBe(true);
    const expected = Array.from({ length: 400 }, (_, n) => n);
    expect((await seen).map(({ data }) => data['n'])).toEqual(expected);
    const again = bus.subscribe(subject, { from: 'start', signal: never() });
    const stored = await collect(again, 400);
    expect(stored.map(({ data }) => data['n'])).toEqual(expected);
  });

  it('keeps work and records; takers go on waiting', async () => {
    const queue = unique();
    const bucket = unique();
    const records = await bus.records(bucket);
    const revision = await records.create('a', { n: 1 });
    await bus.offer(queue, { n: 1 });
    const waiting = bus.take(unique(), AbortSignal.timeout(1500));
    await server.kill();
    const taken = bus.take(queue, never());
    await server.restart();
    const item = await taken;
    expect(item?.work).toEqual({ n: 1 });
    await item?.done();
    expect((await records.get('a'))?.revision).toBe(revision);
    await records.update('a', { n: 2 }, revision);
    expect(await waiting).toBeUndefined();
  });

  it('gives every request a clear error within its deadline', async () => {
    const hasty = await open(server.address, { requestTimeoutMs: 600 });
    const records = await hasty.records(unique());
    await server.kill();
    await delay(50);
    const startMs = performance.now();
    const requests = [
      hasty.publish('rrd.v1.test.x', {}),
      hasty.offer('x', {}),
      records.create('a', {}),
      records.list(),
    ];
    for (const outcome of await Promise.allSettled(requests)) {
      expect(outcome).toMatchObject({
        reason: expect.any(ServiceUnavailableError) as unknown,
      });
    }
    await hasty.close();
    expect(performance.now() - startMs).toBeLessThan(3000);
    await server.restart();
  });
});

describe.skipIf(missing)(named('a connection that breaks'), () => {
  it.each(['done', 'extend'] as const)(
    'while an item is told `%s` takes nothing back',
    async (word) => {
      const server = await startNatsServer();
      onTestFinished(() => server.close());
      const link = await startFaultyLink();
      onTestFinished(async () => await link[Symbol.asyncDispose]());
      link.target = server.address;
      const work = { leaseMs: 3_000 };
      const bus = await open(link.address, { work });
      onTestFinished(() => bus.close());
      const other = await open(server.address, { work });
      onTestFinished(() => other.close());
      const queue = unique();
      await bus.offer(queue, { n: 1 });
      const item = await bus.take(queue, never());
      await delay(500);
      // What is said now arrives nowhere.
      link.silence();
      const told = item![word]();
      await delay(50);
      link.cut();
      link.mend();
      await told;
      const next = other.take(queue, AbortSignal.timeout(2_500));
      expect(await next).toBeUndefined();
    },
  );
});

describe.skipIf(missing)(named('a nats-server with limits'), () => {
  it('drops the oldest events and refuses work beyond them', async () => {
    const server = await startNatsServer();
    onTestFinished(() => server.close());
    const bus = await open(server.address, {
      limits: { maxEvents: 3, maxQueuedItems: 2 },
    });
    for (let n = 1; n <= 5; n++) await bus.publish('rrd.v1.test', { n });
    const events = bus.subscribe('rrd.v1.test', {
      from: 'start',
      signal: never(),
    });
    expect((await collect(events, 3)).map(({ data }) => data['n'])).toEqual([
      3, 4, 5,
    ]);
    await bus.offer('q', { n: 1 });
    await bus.offer('q', { n: 2 });
    await expect(bus.offer('q', { n: 3 })).rejects.toThrow(BusFullError);
    await bus.close();
  });
});

describe.skipIf(missing)(named('a nats-server that asks who you are'), () => {
  let folder: string;
  let server: NatsServer;
  const key = nkeys.createUser();
  const path = (name: string) => join(folder, name);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rrd-auth-'));
    writeFileSync(path('user'), 'ann\nsecret of ann\n');
    writeFileSync(path('wrong'), 'ann\nguess\n');
    writeFileSync(path('seed'), `${new TextDecoder().decode(key.getSeed())}\n`);
    writeFileSync(
      path('nats.conf'),
      `jetstream: enabled
       authorization { users: [
         { user: ann, password: "secret of ann" },
         { nkey: ${key.getPublicKey()} } ] }`,
    );
    server = await startNatsServer(() => ['-c', path('nats.conf')]);
  });
  afterAll(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  it.each([
    ['a user and a password', () => ({ userPasswordPath: path('user') })],
    ['an nkey', () => ({ nkeyPath: path('seed') })],
  ])('lets in %s from a file', async (_, auth) => {
    const bus = await open(server.address, { auth: auth() });
    await bus.publish('rrd.v1.test', {});
    await bus.close();
  });

  it('keeps others out, with a clear error', async () => {
    const auth = { userPasswordPath: path('wrong') };
    for (const settings of [{ auth }, {}]) {
      await expect(open(server.address, settings)).rejects.toThrow(
        ConfigInvalidError,
      );
    }
  });

  it('is never told a secret by address', async () => {
    const secret = open('ann:secret@127.0.0.1:4222');
    await expect(secret).rejects.toThrow(ConfigInvalidError);
    await expect(secret).rejects.not.toThrow(/secret/);
  });
});

const noTls =
  missing ??
  (spawnSync('openssl', ['version']).error && 'openssl is not installed');

describe.skipIf(noTls)(
  `a nats-server with TLS${noTls ? ` (${noTls})` : ''}`,
  () => {
    let folder: string;
    let server: NatsServer;
    const path = (name: string) => join(folder, name);
    const address = () => server.address.replace('127.0.0.1', 'localhost');

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'rrd-tls-'));
      for (const name of ['own', 'foreign']) makeCertificate(folder, name);
      writeFileSync(
        path('nats.conf'),
        `jetstream: enabled
         tls { cert_file: "${path('own.crt')}", key_file: "${path('own.key')}"
               ca_file: "${path('own.crt')}", verify: true }`,
      );
      server = await startNatsServer(() => ['-c', path('nats.conf')]);
    });
    afterAll(async () => {
      await server.close();
      rmSync(folder, { recursive: true });
    });

    it('is met with certificates on both sides', async () => {
      const tls = {
        caPath: path('own.crt'),
        certPath: path('own.crt'),
        keyPath: path('own.key'),
      };
      const bus = await open(address(), { tls });
      await bus.publish('rrd.v1.test', {});
      await bus.close();
    });

    it('is not believed under a foreign authority', async () => {
      const tls = { caPath: path('foreign.crt') };
      await expect(
        open(address(), { tls, connectTimeoutMs: 300 }),
      ).rejects.toThrow(ServiceUnavailableError);
    });
  },
);

/** A key and a self-signed certificate for localhost. */
function makeCertificate(folder: string, name: string): void {
  const options =
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1' +
    ` -subj /CN=${name} -addext subjectAltName=DNS:localhost` +
    ` -keyout ${name}.key -out ${name}.crt`;
  execFileSync('openssl', options.split(' '), { cwd: folder, stdio: 'pipe' });
}

describe('a server that will not do', () => {
  it.skipIf(missing)(named('has no JetStream'), async () => {
    const server = await startNatsServer(() => []);
    onTestFinished(() => server.close());
    await expect(open(server.address)).rejects.toMatchObject({
      reason: 'CONFIG_INVALID',
      metadata: {
        value: expect.stringContaining('without JetStream') as unknown,
      },
    });
  });

  it('is too old', async () => {
    const info = { version: '2.8.4', headers: true, max_payload: 1_048_576 };
    const old = createServer((socket) => {
      socket.write(`INFO ${JSON.stringify({ ...info, jetstream: true })}\r\n`);
      socket.on('data', () => socket.write('PONG\r\n'));
      socket.on('error', () => socket.destroy());
    });
    await new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve));
    const { port } = old.address() as { port: number };
    await expect(open(`127.0.0.1:${port}`)).rejects.toMatchObject({
      metadata: { value: 'nats-server 2.8.4', expected: '2.9 or newer' },
    });
    old.close();
  });

  it('is not there', async () => {
    const startMs = performance.now();
    await expect(
      open('127.0.0.1:1', { connectTimeoutMs: 500 }),
    ).rejects.toThrow(ServiceUnavailableError);
    expect(performance.now() - startMs).toBeLessThan(3000);
  });
});
