import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy on loopback. */
export interface TcpProxy extends AsyncDisposable {
  readonly address: string;
  /** `host:port` that connections are passed on to. */
  target: string;
  /** Both ends of every connection there is. */
  readonly sockets: ReadonlySet<Socket>;
}

/** @param pass takes what one end says to the other, and its end */
export async function startTcpProxy(
  pass: (from: Socket, to: Socket) => void,
): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const [host = '', port] = proxy.target.split(':');
    const far = connect(Number(port), host);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => sockets.delete(from));
      pass(from, to);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: TcpProxy = {
    ...{ target: '', sockets },
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}

/** At once, in both directions. */
export function passOn(from: Socket, to: Socket): void {
  from.pipe(to);
  from.on('close', () => to.destroy());
}
