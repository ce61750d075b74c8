import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServiceUnavailableError } from '../errors.js';
import { createLogger } from '../logger.js';
import { packageRoot } from '../paths.js';
import { connect } from './client.js';
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

const openssl = spawnSync('openssl', ['version']).status === 0;
if (!openssl) console.warn('SKIPPED: mTLS, since openssl is not installed');

describe.skipIf(!openssl)('mTLS', () => {
  let folder = '';
  const at = (name: string) => join(folder, name);
  const run = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });

  /** A key and a certificate for `name`, signed by the test's own authority. */
  function certify(name: string): void {
    run(
      'req',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
    );
    run(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'ca.crt',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      '2',
      '-extfile',
      'names',
      '-out',
      `${name}.crt`,
    );
  }

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'rrd-tls-'));
    writeFileSync(at('names'), 'subjectAltName=DNS:bank.test,IP:127.0.0.1');
    run(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=rrd test',
      '-keyout',
      'ca.key',
      '-out',
      'ca.crt',
    );
    certify('server');
    certify('client');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('lets in who shows a certificate of the authority, and nobody else', async () => {
    const caPath = at('ca.crt');
    const server = await serve({
      host: '127.0.0.1',
      tls: { certPath: at('server.crt'), keyPath: at('server.key'), caPath },
    });
    const status = async (tls?: {
      caPath: string;
      certPath?: string;
      keyPath?: string;
      serverName?: string;
    }) => {
      const client = connect(
        'rrd.v1.StudentService',
        server.address,
        tls && { tls },
      );
      try {
        return (await client.getStatus({}, { deadlineMs: 5_000 })).worker;
      } finally {
        client.close();
      }
    };
    const own = { certPath: at('client.crt'), keyPath: at('client.key') };
    expect(await status({ caPath, ...own })).toBe('w');
    expect(await status({ caPath, ...own, serverName: 'bank.test' })).toBe('w');
    for (const tls of [
      undefined,
      { caPath },
      { caPath, ...own, serverName: 'other.test' },
    ]) {
      await expect(status(tls)).rejects.toBeInstanceOf(ServiceUnavailableError);
    }
    await server.close();
  });
});
