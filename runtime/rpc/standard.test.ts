import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  credentials,
  loadPackageDefinition,
  type ServiceClientConstructor,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath } from 'grpc-health-check';
import { describe, expect, it } from 'vitest';
import { createLogger } from '../logger.js';
import { packageRoot } from '../paths.js';
import type { ListenOptions } from './options.js';
import { startServer } from './server.js';

const start = promisify(execFile);
const log = createLogger('test', { level: 'silent' });

function serve(listen: ListenOptions = {}) {
  const getStatus = async () => ({ worker: 'w' });
  return startServer({
    name: 'student',
    log,
    listen,
    handlers: { 'rrd.v1.StudentService': { getStatus } },
  });
}

type Reply = Record<string, unknown>;

/** The two ways that clients of standard protocols talk to us. */
function foreign(path: string, service: string, address: string) {
  const loaded = loadPackageDefinition(
    loadSync(path, { longs: String, enums: String, defaults: true }),
  );
  const Client = service
    .split('.')
    .reduce<unknown>(
      (scope, name) => (scope as Reply)[name],
      loaded,
    ) as ServiceClientConstructor;
  return new Client(address, credentials.createInsecure());
}

describe('health', () => {
  it('is SERVING for the server and for each of its services', async () => {
    const server = await serve();
    const client = foreign(protoPath, 'grpc.health.v1.Health', server.address);
    const check = (service: string) =>
      new Promise<unknown>((resolve, reject) => {
        const done = (error: Error | null, reply: Reply) =>
          error ? reject(error) : resolve(reply['status']);
        client['check']?.({ service }, done);
      });
    expect(await check('')).toBe('SERVING');
    expect(await check('rrd.v1.StudentService')).toBe('SERVING');
    await expect(check('nobody')).rejects.toMatchObject({ code: 5 });
    client.close();
    await server.close();
  });

  it('says NOT_SERVING to watchers when the server closes', async () => {
    const server = await serve();
    const client = foreign(protoPath, 'grpc.health.v1.Health', server.address);
    const seen: unknown[] = [];
    const call = client['watch']?.({ service: '' }) as NodeJS.EventEmitter;
    call.on('data', (reply: Reply) => seen.push(reply['status']));
    call.on('error', () => client.close());
    await expect.poll(() => seen).toEqual(['SERVING']);
    const closed = server.close();
    await expect.poll(() => seen).toEqual(['SERVING', 'NOT_SERVING']);
    client.close();
    (call as unknown as { cancel(): void }).cancel();
    await closed;
  });
});

describe('reflection', () => {
  it('tells a foreign tool all that it needs for a call', async () => {
    const server = await serve();
    const curl = (...args: string[]) =>
      start(
        join(packageRoot, 'node_modules/.bin/buf'),
        ['curl', '--protocol=grpc', '--http2-prior-knowledge', ...args],
        // Elsewhere, so that the tool has no .proto files but ours by reflection.
        { cwd: tmpdir() },
      );
    const url = `http://${server.address}`;
    expect(await curl('--list-services', url)).toMatchObject({
      stdout: 'rrd.v1.StudentService\n',
    });
    const { stdout } = await curl(`${url}/rrd.v1.StudentService/GetStatus`);
    expect(JSON.parse(stdout)).toEqual({ worker: 'w' });
    await server.close();
  });
});
