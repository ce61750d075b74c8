import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { connect } from '#runtime/rpc/client.js';
import { fromWire } from '#runtime/rpc/tensor-codec.js';
import { closedLoop } from '../../cli/load/closed-loop.js';
import { openTarget } from '../../cli/load/targets.js';
import type { PeerTask } from './peers.js';
import { credits } from './stream.js';

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

/** Until the code is compiled, a reader is no measure of what it can do. */
const warmUpFraction = 0.25;

/** MiB a second, once warm. */
async function read(task: StreamTask): Promise<number> {
  const { kind, address, messages, messageBytes } = task;
  if (kind === 'stream') return readStream(task);
  if (kind === 'unary') return readUnary(task);
  const [host, port] = address.split(':');
  const socket =
    kind === 'tcp'
      ? connectTcp(Number(port), host)
      : await openHttp2(address, kind === 'http2Window');
  if (kind === 'tcp') await once(socket, 'connect');
  const meter = new Meter(messages * messageBytes);
  const stream = 'request' in socket ? socket.request() : socket;
  if (stream === socket) stream.write('begin');
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (meter.add(chunk.length)) break;
  }
  socket.destroy();
  return meter.rate;
}

/** As `clientOptions` of runtime/rpc/options.ts. */
const windowBytes = 2 ** 22;

async function openHttp2(address: string, widen: boolean) {
  const settings = widen ? { initialWindowSize: windowBytes } : {};
  const session = connectHttp2(`http://${address}`, { settings });
  await once(session, 'remoteSettings');
  if (widen) session.setLocalWindowSize(windowBytes);
  return session;
}

class Meter {
  #bytes = 0;
  #startedMs = 0;
  #warmBytes = 0;

  constructor(private readonly totalBytes: number) {}

  /** @returns whether these were the last ones */
  add(bytes: number): boolean {
    this.#bytes += bytes;
    if (!this.#startedMs && this.#bytes > warmUpFraction * this.totalBytes) {
      this.#startedMs = performance.now();
      this.#warmBytes = this.#bytes;
    }
    return this.#bytes >= this.totalBytes;
  }

  /** MiB a second since it was warm. */
  get rate(): number {
    const seconds = (performance.now() - this.#startedMs) / 1000;
    return (this.#bytes - this.#warmBytes) / 2 ** 20 / seconds;
  }
}

async function readStream(task: StreamTask): Promise<number> {
  const { address, messages, messageBytes } = task;
  const client = connect('rrd.v1.TeacherService', address);
  async function* requests() {
    for (let i = 0; i < messages; i++) yield { request: { model: 'm' } };
  }
  const meter = new Meter(messages * messageBytes);
  for await (const { response } of client.extractStream(requests())) {
    fromWire(response?.features, { field: 'features', dataType: 'float32' });
    meter.add(messageBytes);
  }
  client.close();
  return meter.rate;
}

async function readUnary(task: StreamTask): Promise<number> {
  const { address, messages, messageBytes } = task;
  const client = connect('rrd.v1.TeacherService', address);
  const meter = new Meter(messages * messageBytes);
  const work = async () => {
    for (let ended = false; !ended;) {
      const { features } = await client.extract({ model: 'm' });
      fromWire(features, { field: 'features', dataType: 'float32' });
      ended = meter.add(messageBytes);
    }
  };
  await Promise.all(Array.from({ length: credits }, work));
  client.close();
  return meter.rate;
}

const report = await (task.kind === 'load' ? load(task) : read(task));
await new Promise((resolve) => process.send!(report, resolve));
process.disconnect();
