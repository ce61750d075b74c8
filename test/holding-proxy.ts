import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy on loopback that can keep what is on its way. */
export interface HoldingProxy extends AsyncDisposable {
  readonly address: string;
  /** Nothing passes any more, in either direction. */
  hold(): void;
  /** What was held arrives now, and all else passes again. */
  release(): void;
}

/** @param target `host:port` that connections are passed on to */
export async function startHoldingProxy(target: string): Promise<HoldingProxy> {
  const sockets = new Set<Socket>();
  let isHolding = false;
  const server = createServer((near) => {
    const [host = '', port] = target.split(':');
    const far = connect(Number(port), host);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      socket.pipe(other);
      if (isHolding) socket.pause();
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold: () => {
      isHolding = true;
      sockets.forEach((socket) => socket.pause());
    },
    release: () => {
      isHolding = false;
      sockets.forEach((socket) => socket.resume());
    },
    [Symbol.asyncDispose]: async () => {
      sockets.forEach((socket) => socket.destroy());
      server.close();
      await once(server, 'close');
    },
  };
}
