import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { connect } from '#runtime/rpc/client.js';
import { rowBytes } from './latency.js';
import type { PeerKind, PeerReport } from './peers.js';

/** A reader of commits, in a process of its own: see peers.ts. */

const [kind, address = '', queue = '', messages = ''] = process.argv.slice(2);
const count = Number(messages);
const arrivedMs: number[] = [];
const now = () => Number(process.hrtime.bigint()) / 1e6;
const send = (message: unknown) =>
  new Promise((resolve) => process.send!(message, resolve));

const readers: Record<PeerKind, () => Promise<number>> = {
  async grpc() {
    const client = connect('rrd.v1.MemoryBankService', address);
    // Versions that are there already are read from the beginning.
    const stream = client.subscribe({ queue, fromVersion: 0 });
    await client.getQueue({ queue });
    await ready();
    for await (const { delta } of stream) {
      if (delta) arrivedMs.push(now());
      if (arrivedMs.length === count) break;
    }
    const bytes = client.bytes.received;
    client.close();
    return bytes;
  },
  async tcp() {
    const [host, port] = address.split(':');
    const socket = connectTcp(Number(port), host);
    await once(socket, 'connect');
    await ready();
    socket.write('begin');
    return drain(socket);
  },
  async http2() {
    const session = connectHttp2(`http://${address}`);
    await once(session, 'connect');
    await ready();
    const bytes = await drain(session.request());
    session.close();
    return bytes;
  },
};

/** Tells that all is set; those who share a start wait for it. */
async function ready(): Promise<void> {
  const begin = once(process, 'message');
  await send('ready');
  if (kind !== 'grpc' || process.env['RRD_BENCH_WAIT']) await begin;
}

async function drain(stream: AsyncIterable<Buffer>): Promise<number> {
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes >= count * rowBytes) break;
  }
  arrivedMs.push(now());
  return bytes;
}

const bytes = await readers[kind as PeerKind]();
await send({ arrivedMs, bytes } satisfies PeerReport);
process.disconnect();
