import { once } from 'node:events';
import { createServer as createHttp2, type Http2Server } from 'node:http2';
import {
  createServer as createTcp,
  type AddressInfo,
  type Server,
} from 'node:net';
import type { Writable } from 'node:stream';

/** What gRPC is measured beside: the same bytes with nothing around them. */

export interface Served {
  readonly address: string;
  close(): Promise<void>;
}

export interface Messages {
  readonly messages: number;
  readonly messageBytes: number;
}

/** Writes all messages to each socket that has said anything. */
export function serveTcp(load: Messages): Promise<Served> {
  return listening(
    createTcp((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => void writeAll(socket, load).catch(() => {}));
    }),
  );
}

/** Answers each request with all messages. */
export function serveHttp2(load: Messages): Promise<Served> {
  return listening(
    createHttp2().on('stream', (stream) => {
      stream.on('error', () => {});
      stream.respond();
      void writeAll(stream, load).catch(() => {});
    }),
  );
}

async function writeAll(
  stream: Writable,
  { messages, messageBytes }: Messages,
): Promise<void> {
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
