import { createLogger } from '#runtime/logger.js';
import { inOrder } from '#runtime/rpc/in-order.js';
import { startServer, type Handlers } from '#runtime/rpc/server.js';
import { toWire } from '#runtime/rpc/tensor-codec.js';
import { serveHttp2, serveTcp, type Served } from '../bare-servers.js';
import { median } from '../statistics.js';
import { startPeer } from './peers.js';

/**
 * Answers of 200 KB to another process, MiB a second: on ExtractStream and in
 * as many unary calls at a time, from handlers that have nothing to compute,
 * and as many equal buffers through bare TCP and bare node:http2: as it comes,
 * and with the flow-control window that our own clients have.
 */

export const messageFloats = 50 * 1024;
const messageBytes = messageFloats * 4;
const messages = 4000;

/** Requests at a time. */
export const credits = 8;

const kinds = ['stream', 'unary', 'tcp', 'http2', 'http2Window'] as const;
export type StreamKind = (typeof kinds)[number];

const unused = () => {
  throw new Error('not part of this bench');
};

async function serveGrpc(): Promise<Served> {
  const shape = [50, 1024];
  const data = Float32Array.from({ length: messageFloats }, (_, i) => i);
  const response = {
    teacherDigest: 'bench',
    features: toWire({ shape, data }),
  };
  const handlers: Handlers<'rrd.v1.TeacherService'> = {
    describe: unused,
    extract: async () => response,
    extractStream: (requests) =>
      inOrder(requests, credits, async () => ({ response })),
    ...{ listModels: unused, loadModel: unused, unloadModel: unused },
  };
  return startServer({
    name: 'bench',
    handlers: { 'rrd.v1.TeacherService': handlers },
    listen: {},
    log: createLogger('bench', { level: 'warn' }),
  });
}

const load = { messages, messageBytes };

const servers: Record<StreamKind, () => Promise<Served>> = {
  stream: serveGrpc,
  unary: serveGrpc,
  tcp: () => serveTcp(load),
  http2: () => serveHttp2(load),
  http2Window: () => serveHttp2(load),
};

async function rate(kind: StreamKind): Promise<number> {
  const served = await servers[kind]();
  const task = { kind, address: served.address, ...load };
  const mebibytesPerSecond = await startPeer<number>(task);
  await served.close();
  return mebibytesPerSecond;
}

/** In turn, several times; medians in MiB a second. */
export async function measureStreams(
  rounds = 5,
): Promise<Record<StreamKind, number>> {
  const measured = kinds.map((kind) => ({ kind, rates: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (const { kind, rates } of measured) rates.push(await rate(kind));
  }
  const medians = measured.map(({ kind, rates }) => [kind, median(rates)]);
  return Object.fromEntries(medians) as Record<StreamKind, number>;
}
