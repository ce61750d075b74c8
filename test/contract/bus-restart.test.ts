import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connect } from '#runtime/rpc/client.js';
import { defaultRetryPolicy, retry } from '#runtime/rpc/retry.js';
import { natsMissing } from '../nats.js';
import {
  eachOnStage,
  experimentJson,
  HandWorker,
  openInProcess,
  type OpenBus,
  openNats,
  progress,
  result,
  Stage,
  until,
} from './bus-stage.js';

function suite(open: OpenBus) {
  let stage: Stage;
  eachOnStage(open, (entered) => (stage = entered));

  it('finds its runs again after a restart', async () => {
    await stage.submit('held');
    const holder = stage.worker('w1');
    await holder.claim();
    await stage.submit('ending');
    const ender = stage.worker('w2');
    await ender.claim();
    await holder.say({ type: 'progress', progress });
    await stage.until('held', 'RUNNING');
    await stage.stop();
    // Nobody hears this while it is said.
    await holder.say({
      type: 'progress',
      progress: { ...progress, step: 7 },
    });
    await ender.say({ type: 'succeeded', result });
    await stage.start();
    holder.hum();
    expect((await stage.until('ending', 'SUCCEEDED')).run.result).toEqual(
      result,
    );
    holder.hush();
    await holder.say({ type: 'succeeded', result });
    const { run } = await stage.until('held', 'SUCCEEDED');
    expect(run).toMatchObject({ worker: 'w1', progress: { step: 7 } });
  });

  it('notices after a restart who fell silent meanwhile', async () => {
    await stage.submit('a');
    await stage.worker('w1').claim();
    await stage.until('a', 'PREPARING');
    await stage.stop();
    await stage.start();
    const next = stage.worker('w2');
    await next.claim();
    expect(next.attempt).toBe(2);
  });
}

describe('a restarted orchestrator on the in-process bus', () =>
  suite(openInProcess));

const missing = natsMissing();
const skipped = missing ? ` (${missing})` : '';
describe.skipIf(missing)(`a restarted orchestrator on NATS${skipped}`, () =>
  suite(openNats),
);

const main = fileURLToPath(
  new URL('../../services/orchestrator/main.js', import.meta.url),
);

/** An orchestrator in a process of its own, and its address. */
async function startProcess(env: Record<string, string>) {
  const process = spawn(globalThis.process.execPath, [main], {
    env: { ...globalThis.process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  for await (const line of createInterface(process.stderr)) {
    const address = /"address":"([^"]+)"/.exec(line)?.[1];
    if (address === undefined) continue;
    process.stderr.resume();
    onTestFinished(() => void process.kill('SIGKILL'));
    return { process, address };
  }
  throw new Error('the orchestrator did not start');
}

async function end(process: ChildProcess, signal: NodeJS.Signals) {
  const exit = once(process, 'exit');
  process.kill(signal);
  return (await exit)[0] as number | null;
}

describe('an orchestrator in a process of its own', () => {
  it('refuses to start without NATS, and says so', () => {
    const env = { PATH: process.env['PATH'] };
    const { status, stderr } = spawnSync(process.execPath, [main], {
      env,
      encoding: 'utf8',
    });
    expect(status).not.toBe(0);
    expect(stderr).toContain('cannot share the in-process bus');
  });

  it.skipIf(missing)(`goes on after SIGKILL${skipped}`, async () => {
    const { bus, server, close } = await openNats();
    onTestFinished(close);
    const env = {
      RRD_BUS_SERVERS: server.address,
      RRD_ORCHESTRATOR_LEASE_MS: '2000',
      RRD_ORCHESTRATOR_LEADER__LEASE_MS: '1000',
    };
    const patiently = <T>(call: () => Promise<T>) =>
      retry(defaultRetryPolicy, call);
    const first = await startProcess(env);
    const before = connect('rrd.v1.OrchestratorService', first.address);
    await patiently(() => before.submitRun({ runId: 'a', experimentJson }));
    const worker = new HandWorker(bus, 'w1');
    await worker.claim();
    worker.hum();
    await until(before, 'a', 'RUNNING');
    before.close();
    await end(first.process, 'SIGKILL');
    await worker.say({ type: 'progress', progress });
    const second = await startProcess(env);
    const after = connect('rrd.v1.OrchestratorService', second.address);
    worker.hush();
    await worker.say({ type: 'succeeded', result });
    await patiently(() => after.getRun({ runId: 'a' }));
    const { run } = await until(after, 'a', 'SUCCEEDED');
    expect(run).toMatchObject({ worker: 'w1', progress: { step: 3 }, result });
    after.close();
    expect(await end(second.process, 'SIGTERM')).toBe(0);
  });
});

describe.skipIf(missing)(`a nats-server that dies${skipped}`, () => {
  it('costs no run its worker', async () => {
    const { bus, server, close } = await openNats();
    onTestFinished(close);
    const stage = new Stage(bus);
    await stage.start({ maxAttempts: 1 });
    await stage.submit('a');
    const worker = stage.worker('w1');
    await worker.claim();
    worker.hum();
    await server.kill();
    // Longer than the lease: silence of the bus is not the worker's.
    await delay(600);
    await server.restart();
    await expect.poll(() => bus.connection().connected).toBe(true);
    await stage.until('a', 'RUNNING');
    worker.hush();
    await worker.say({ type: 'succeeded', result });
    await stage.until('a', 'SUCCEEDED');
    await stage.close();
  });
});
