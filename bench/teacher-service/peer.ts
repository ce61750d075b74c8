import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { connect } from '#runtime/rpc/client.js';
import { fromWire } from '#runtime/rpc/tensor-codec.js';
import { closedLoop } from '../../cli/load/closed-loop.js';
import { openTarget } from '../../cli/load/targets.js';
import type { PeerTask } from './peers.js';

/** A client of the bench, in a process of its own: see peers.ts. */

const task = JSON.parse(process.argv[2]!) as PeerTask;

async function load(task: Extract<PeerTask, { kind: 'load' }>) {
  const target = await openTarget('rrd', { ...task, tls: undefined });
  const ask = (client: number) => target.ask(client);
  const report = await closedLoop({ ...task, warmUpSeconds: 2, ask });
  target.close();
  return report;
}

type StreamTask = Exclude<PeerTask, { kind: 'load' }>;

/** Seconds from the first request to the last byte. */
async function read(task: StreamTask): Promise<number> {
  const { kind, address, messages, messageBytes } = task;
  if (kind === 'grpc') return readGrpc(task);
  const [host, port] = address.split(':');
  const socket =
    kind === 'tcp'
      ? connectTcp(Number(port), host)
      : connectHttp2(`http://${address}`);
  await once(socket, 'connect');
  const started = performance.now();
  const stream = 'request' in socket ? socket.request() : socket;
  if (stream === socket) stream.write('begin');
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes >= messages * messageBytes) break;
  }
  const seconds = (performance.now() - started) / 1000;
  socket.destroy();
  return seconds;
}

async function readGrpc({ address, messages }: StreamTask): Promise<number> {
  const client = connect('rrd.v1.TeacherService', address);
  async function* requests() {
    for (let i = 0; i < messages; i++) yield { request: { model: 'm' } };
  }
  const started = performance.now();
  for await (const { response } of client.extractStream(requests())) {
    fromWire(response?.features, { field: 'features', dataType: 'float32' });
  }
  const seconds = (performance.now() - started) / 1000;
  client.close();
  return seconds;
}

const report = await (task.kind === 'load' ? load(task) : read(task));
await new Promise((resolve) => process.send!(report, resolve));
process.disconnect();
