import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy on loopback that makes what is behind it far away. */
export interface DelayingProxy extends AsyncDisposable {
  readonly address: string;
  /** `host:port` that connections are passed on to. */
  target: string;
}

/** @param delayMs of every byte, each way */
export async function startDelayingProxy(
  delayMs: number,
): Promise<DelayingProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const [host = '', port] = proxy.target.split(':');
    const far = connect(Number(port), host);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('data', (bytes) =>
        setTimeout(() => other.writable && other.write(bytes), delayMs),
      );
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        setTimeout(() => other.destroy(), delayMs);
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: DelayingProxy = {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    target: '',
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}
