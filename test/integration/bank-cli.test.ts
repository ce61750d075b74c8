import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readQueue } from '#runtime/bank/read-queue.js';
import {
  Authority,
  opensslMissing,
} from '#runtime/rpc/certificates.test-fixture.js';
import { connect } from '#runtime/rpc/client.js';
import { toWire } from '#runtime/rpc/tensor-codec.js';
import { packageRoot } from '#runtime/paths.js';
import { spawnService, type ServiceProcess } from '../processes.js';

let folder: string;
let bank: ServiceProcess;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rrd-bank-cli-'));
  bank = await spawnService('memory-bank', {});
  const client = connect('rrd.v1.MemoryBankService', bank.address);
  const spec = {
    ...{ queue: 'run-1', capacity: 50, featDim: 8, seed: 2, worldSize: 1 },
    ...{ init: 'QUEUE_INIT_ROWS' as const, teacherDigest: 'teacher' },
  };
  await client.createQueue({ spec, epoch: 3 });
  const data = new Float32Array(16).fill(0.25);
  await client.enqueue({
    ...{ queue: 'run-1', epoch: 3, teacherDigest: 'teacher' },
    batchId: { runId: 'run-1', step: 0, rank: 0 },
    rows: toWire({ shape: [2, 8], data }),
  });
  client.close();
}, 30_000);

afterAll(async () => {
  await bank.kill();
  await rm(folder, { recursive: true, force: true });
});

function rrd(...args: string[]) {
  const command = [join(packageRoot, 'bin/rrd'), 'bank', ...args];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...command, '--bank', bank.address],
    { encoding: 'utf8' },
  );
  return { status, stdout, stderr };
}

describe('rrd bank', () => {
  it('lists queues', () => {
    const { stdout } = rrd('list');
    expect(stdout).toMatch(/run-1 +50 x 8 +float32 +1.6 KiB +1 +0 +0/);
  });

  it('tells the health of the rows', () => {
    const { stdout } = rrd('inspect', 'run-1', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      version: 1,
      health: { duplicateRate: expect.closeTo(0.02, 9) as number },
    });
    expect(rrd('inspect', 'run-1').stdout).toMatch(/effective rank +\d.* of 8/);
  });

  it('exports, imports and deletes the same rows', async () => {
    const path = join(folder, 'queue.safetensors');
    expect(rrd('export', 'run-1', path).stderr).toBe('');
    expect(rrd('import', path, 'copy').stdout).toBe('copy: version 1\n');
    const again = join(folder, 'copy.safetensors');
    rrd('export', 'copy', again);
    expect(await readFile(again)).toEqual(await readFile(path));
    expect(rrd('delete', 'copy').stdout).toBe('copy: deleted\n');
    expect(rrd('list').stdout).not.toMatch('copy');
  }, 60_000);

  const halves = { precision: 'DATA_TYPE_BFLOAT16' as const };
  const memory = { init: 'QUEUE_INIT_UNIFORM' as const, momentum: 0.5 };

  it.each([
    ['halves', halves, /halves +9 x 8 +bfloat16 +144 B/],
    ['memory', memory, /memory +9 x 8 +float32 +288 B/],
  ])(
    'exports and imports %s as what they are',
    async (queue, kind, listed) => {
      const client = connect('rrd.v1.MemoryBankService', bank.address);
      const spec = {
        ...{ queue, capacity: 9, featDim: 8, seed: 5, worldSize: 2 },
        ...{ init: 'QUEUE_INIT_ROWS' as const, teacherDigest: 'teacher' },
        ...{ projectionSeed: 7, ...kind },
      };
      await client.createQueue({ spec, epoch: 1 });
      const before = await readQueue(client, queue);
      const path = join(folder, `${queue}.safetensors`);
      rrd('export', queue, path);
      expect(rrd('delete', queue).status).toBe(0);
      expect(rrd('import', path, queue).stderr).toBe('');
      const after = await readQueue(client, queue);
      client.close();
      expect(after).toEqual(before);
      expect(rrd('list').stdout).toMatch(listed);
    },
    60_000,
  );

  it('writes what NumPy reads', () => {
    const path = join(folder, 'queue.npy');
    rrd('export', 'run-1', path);
    const script = `import numpy; a = numpy.load('${path}'); print(a.shape, a.dtype, a[1, 3])`;
    const python = spawnSync('/usr/bin/python3', ['-c', script], {
      encoding: 'utf8',
    });
    if (/No module|ENOENT/.test(python.stderr ?? 'ENOENT')) {
      console.log('SKIPPED: NumPy is not there');
      return;
    }
    expect(python.stdout).toBe('(50, 8) float32 0.25\n');
  });

  it.each([
    [['inspect', 'nobody'], 'QUEUE_NOT_FOUND'],
    [['delete', 'nobody'], 'QUEUE_NOT_FOUND'],
    [['export', 'run-1', 'queue.txt'], 'INVALID_REQUEST'],
  ])('refuses %j', (args, reason) => {
    const { status, stderr } = rrd(...args);
    expect(status).toBe(1);
    expect(stderr).toMatch(`[${reason}]`);
  });

  it('refuses a damaged file', async () => {
    const path = join(folder, 'bad.safetensors');
    await writeFile(path, 'nothing like it');
    expect(rrd('import', path, 'bad').stderr).toMatch('[CORRUPT_FILE]');
  });
});

const noCertificates = opensslMissing();

describe.skipIf(noCertificates)(
  `rrd bank over TLS${noCertificates ? `: SKIPPED, ${noCertificates}` : ''}`,
  () => {
    it('does what the access rules let its certificate do', async () => {
      using authority = new Authority();
      const server = authority.certify('bank', 'DNS:localhost');
      const rules = join(authority.folder, 'access.yaml');
      await writeFile(rules, 'rrd.v1.MemoryBankService/List*: [me]\n');
      await using guarded = await spawnService('memory-bank', {
        LISTEN__TLS__CERT_PATH: server.certPath,
        LISTEN__TLS__KEY_PATH: server.keyPath,
        LISTEN__TLS__CA_PATH: server.caPath,
        LISTEN__TLS__ACCESS_PATH: rules,
      });
      const identity = (name: string) => {
        const { certPath, keyPath } = authority.certify(name, `DNS:${name}`);
        return ['--tls-identity', `${certPath},${keyPath}`];
      };
      const ask = (...args: string[]) => {
        const address = guarded.address.replace('127.0.0.1', 'localhost');
        const at = ['--bank', address, '--tls-ca', server.caPath];
        const command = [join(packageRoot, 'bin/rrd'), 'bank', ...args, ...at];
        return spawnSync(process.execPath, command, { encoding: 'utf8' });
      };
      const me = identity('me');
      expect(ask('list', ...me)).toMatchObject({ status: 0, stderr: '' });
      expect(ask('inspect', 'q', ...me).stderr).toMatch(
        /^rrd: me may not call rrd\.v1\.\w+\/GetQueueHealth \[CALLER_NOT_ALLOWED\]/,
      );
      const stranger = ask('list', ...identity('stranger'));
      expect(stranger.stderr).toMatch('[CALLER_NOT_ALLOWED]');
      expect(ask('list').status).not.toBe(0);
    }, 60_000);
  },
);
