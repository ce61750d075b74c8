import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { packageRoot } from '#runtime/paths.js';
import { connect } from '#runtime/rpc/client.js';
import { toWire } from '#runtime/rpc/tensor-codec.js';

const main = 'dist/services/memory-bank/main.js';

/** The bank as its own process, with telemetry as a container would have it. */

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  server.close();
  await once(server, 'close');
  return port;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** A trace collector that keeps what it is sent. */
async function startCollector() {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      bodies.push(body);
      response.end('{}');
    });
  });
  const port = await listen(server);
  onTestFinished(() => void server.close());
  return { bodies, endpoint: `http://127.0.0.1:${port}` };
}

async function startBank(env: Record<string, string>) {
  const child = spawn(
    process.execPath,
    ['--import', './dist/runtime/telemetry.js', main],
    {
      cwd: packageRoot,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  const exit = once(child, 'exit');
  const lines = createInterface({ input: child.stderr });
  for await (const line of lines) {
    const entry = JSON.parse(line) as { msg: string; address: string };
    if (entry.msg === 'listening') {
      lines.close();
      child.stderr.resume();
      return { child, exit, address: entry.address };
    }
  }
  throw new Error('the bank did not start');
}

const row = toWire({ shape: [1, 2], data: Float32Array.of(1, 2) });

async function commitOnce(address: string): Promise<string | undefined> {
  const client = connect('rrd.v1.MemoryBankService', address);
  const spec = {
    queue: 'q',
    capacity: 4,
    featDim: 2,
    worldSize: 1,
    teacherDigest: 't',
    init: 'QUEUE_INIT_ROWS' as const,
  };
  await client.createQueue({ spec, epoch: 1 });
  const batchId = { runId: 'r', step: 0, rank: 0 };
  await client.enqueue({
    queue: 'q',
    epoch: 1,
    batchId,
    teacherDigest: 't',
    rows: row,
  });
  for await (const { delta } of client.subscribe({
    queue: 'q',
    fromVersion: 0,
  })) {
    client.close();
    return delta?.traceparent;
  }
}

describe('the process', () => {
  it('exports metrics and traces, and ends on SIGTERM with all spans sent', async () => {
    const collector = await startCollector();
    const metricsPort = await freePort();
    const { child, exit, address } = await startBank({
      OTEL_SERVICE_NAME: 'rrd-bank',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_PROMETHEUS_PORT: String(metricsPort),
      RRD_BANK_HEARTBEAT_MS: '50',
    });
    const traceparent = await commitOnce(address);
    expect(traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);

    const scraped = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
    const text = await scraped.text();
    expect(text).toMatch(/^rrd_bank_commits_total\{.*\} 1$/m);
    expect(text).toMatch(/^rrd_bank_version\{queue="q".*\} 1$/m);
    expect(text).toMatch(/^rpc_server_call_duration_bucket\{/m);
    expect(text).not.toContain('process_command');

    child.kill('SIGTERM');
    expect(await exit).toEqual([0, null]);
    const spans = collector.bodies.join();
    expect(spans).toContain(traceparent?.split('-')[1]);
    expect(spans).toContain('rrd.v1.MemoryBankService/Enqueue');
    expect(spans).toContain('rrd-bank');
  });

  it('says which setting is wrong and does not start', () => {
    const { status, stderr } = spawnSync(process.execPath, [main], {
      cwd: packageRoot,
      env: { ...process.env, RRD_BANK_HEARTBEAT_MS: 'soon' },
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stderr).toContain('environment (RRD_BANK_*): heartbeatMs is "soon"');
  });
});
