import { connect } from '#runtime/rpc/client.js';
import { spawnService } from '../../test/processes.js';
import { serveHttp2, serveTcp, type Served } from '../bare-servers.js';
import { median } from '../statistics.js';
import { bankArguments, createQueue, enqueue, rowBytes } from './latency.js';
import { startPeers, type PeerKind } from './peers.js';

/**
 * The same messages from one process to `subscribers` others: commits that are
 * there already through the bank, and as many equal buffers through bare TCP
 * and bare node:http2. MiB a second, all subscribers together.
 */

const messages = 1500;

async function serveBank(): Promise<Served> {
  const settings = { HISTORY_BYTES: 2 * messages * rowBytes };
  const bank = await spawnService(
    ...(['memory-bank', settings, undefined, {}, bankArguments] as const),
  );
  const client = connect('rrd.v1.MemoryBankService', bank.address);
  await createQueue(client, 'fan-out');
  for (let step = 0; step < messages; step++) {
    await enqueue(client, 'fan-out', step);
  }
  client.close();
  return { address: bank.address, close: () => bank.kill() };
}

const load = { messages, messageBytes: rowBytes };

const servers: Record<PeerKind, () => Promise<Served>> = {
  grpc: serveBank,
  tcp: () => serveTcp(load),
  http2: () => serveHttp2(load),
};

async function rate(kind: PeerKind, subscribers: number): Promise<number> {
  const served = await servers[kind]();
  process.env['RRD_BENCH_WAIT'] = '1';
  const peers = await startPeers(
    ...([kind, served.address, 'fan-out', messages, subscribers] as const),
  );
  delete process.env['RRD_BENCH_WAIT'];
  const started = Number(process.hrtime.bigint()) / 1e6;
  peers.begin();
  const reports = await peers.finish();
  await served.close();
  const ended = Math.max(...reports.map(({ arrivedMs }) => arrivedMs.at(-1)!));
  const bytes = subscribers * messages * rowBytes;
  return bytes / 2 ** 20 / ((ended - started) / 1000);
}

/** In turn, several times; medians. */
export async function measureFanOut(subscribers: number, rounds = 3) {
  const rates: Record<PeerKind, number[]> = { grpc: [], tcp: [], http2: [] };
  for (let round = 0; round < rounds; round++) {
    for (const kind of ['grpc', 'tcp', 'http2'] as const) {
      rates[kind].push(await rate(kind, subscribers));
    }
  }
  const [bank, tcp, http2] = [rates.grpc, rates.tcp, rates.http2].map(median);
  return { subscribers, bank: bank!, tcp: tcp!, http2: http2! };
}
