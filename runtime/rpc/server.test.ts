import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  ConfigInvalidError,
  DrainingError,
  ServiceUnavailableError,
} from '../errors.js';
import { cleanups, failureOf, gone, serve } from './serve.test-fixture.js';

describe('close', () => {
  it('lets calls finish, ends streams, refuses what comes later', async () => {
    let release = () => {};
    const started = new Promise<void>((entered) => {
      cleanups.push(() => release());
      release = entered;
    });
    let finish = () => {};
    const { server, client } = await serve({
      getQueue: async () => {
        release();
        await new Promise<void>((resolve) => (finish = resolve));
        return {};
      },
      async *subscribe(_, call) {
        yield {};
        await gone(call);
      },
    });
    const stream = client.subscribe({})[Symbol.asyncIterator]();
    await stream.next();
    const call = client.getQueue({});
    await started;
    const closed = server.close();
    expect(await failureOf(stream.next())).toBeInstanceOf(DrainingError);
    finish();
    expect(await call).toEqual({ state: null });
    await closed;
    await server.close();
    expect(await failureOf(client.getQueue({}))).toBeInstanceOf(
      ServiceUnavailableError,
    );
  });

  it('ends a stream with an error even where its handler just stops', async () => {
    const { server, client } = await serve({
      async *subscribe(_, call) {
        yield {};
        await gone(call).catch(() => undefined);
      },
    });
    const stream = client.subscribe({})[Symbol.asyncIterator]();
    await stream.next();
    const next = failureOf(stream.next());
    await server.close();
    expect(await next).toBeInstanceOf(DrainingError);
  });

  it('cuts what is still running when the time is up', async () => {
    const { server, client } = await serve(
      { getQueue: (_, call) => gone(call) },
      { drainMs: 100 },
    );
    const call = failureOf(client.getQueue({}));
    await sleep(50);
    const started = performance.now();
    await server.close();
    expect(performance.now() - started).toBeLessThan(2_000);
    const error = await call;
    expect([DrainingError.name, ServiceUnavailableError.name]).toContain(
      (error as Error).name,
    );
  });
});

describe('listening', () => {
  it('refuses plaintext off loopback unless told otherwise', async () => {
    const refused = await failureOf(serve({}, { listen: { host: '0.0.0.0' } }));
    expect(refused).toBeInstanceOf(ConfigInvalidError);
    const { server } = await serve(
      {},
      { listen: { host: '0.0.0.0', insecurePlaintext: true } },
    );
    expect(server.address).toMatch(/^0\.0\.0\.0:\d+$/);
  });

  it('rejects when the port is taken', async () => {
    const { server } = await serve({});
    const port = Number(server.address.split(':')[1]);
    const error = await failureOf(serve({}, { listen: { port } }));
    expect(error).toBeInstanceOf(ConfigInvalidError);
    expect(error).toMatchObject({ metadata: { value: `127.0.0.1:${port}` } });
  });

  it('rejects when a file of its TLS cannot be read', async () => {
    const tls = { certPath: '/nowhere/cert', keyPath: '/nowhere/key' };
    const error = await failureOf(serve({}, { listen: { tls } }));
    expect(error).toBeInstanceOf(ConfigInvalidError);
    expect(error).toMatchObject({ metadata: { value: '/nowhere/cert' } });
  });
});
