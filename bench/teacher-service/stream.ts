import { createServer as createHttp2, type Http2Server } from 'node:http2';
import {
  createServer as createTcp,
  type AddressInfo,
  type Server,
} from 'node:net';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { createLogger } from '#runtime/logger.js';
import { inOrder } from '#runtime/rpc/in-order.js';
import { startServer, type Handlers } from '#runtime/rpc/server.js';
import { toWire } from '#runtime/rpc/tensor-codec.js';
import { median } from './statistics.js';
import { startPeer } from './peers.js';

/**
 * Answers of 200 KB to another process, MiB a second: on ExtractStream and in
 * as many unary calls at a time, from handlers that have nothing to compute,
 * and as many equal buffers through bare TCP and bare node:http2.
 */

export const messageFloats = 50 * 1024;
const messageBytes = messageFloats * 4;
const messages = 4000;

/** Requests at a time. */
export const credits = 8;

const kinds = ['stream', 'unary', 'tcp', 'http2'] as const;
export type StreamKind = (typeof kinds)[number];

type Served = { readonly address: string; close(): Promise<void> };

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
  };
  return startServer({
    name: 'bench',
    handlers: { 'rrd.v1.TeacherService': handlers },
    listen: {},
    log: createLogger('bench', { level: 'warn' }),
  });
}

async function writeAll(stream: Writable): Promise<void> {
  const message = Buffer.alloc(messageBytes, 1);
  for (let i = 0; i < messages; i++) {
    if (!stream.write(message)) await once(stream, 'drain');
  }
  stream.end();
}

async function listening(server: Server | Http2Server): Promise<Served> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async () => void server.close();
  return { address: `127.0.0.1:${port}`, close };
}

const servers: Record<StreamKind, () => Promise<Served>> = {
  stream: serveGrpc,
  unary: serveGrpc,
  tcp: () =>
    listening(
      createTcp((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => void writeAll(socket).catch(() => {}));
      }),
    ),
  http2: () =>
    listening(
      createHttp2().on('stream', (stream) => {
        stream.on('error', () => {});
        stream.respond();
        void writeAll(stream).catch(() => {});
      }),
    ),
};

async function rate(kind: StreamKind): Promise<number> {
  const served = await servers[kind]();
  const task = { kind, address: served.address, messages, messageBytes };
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
