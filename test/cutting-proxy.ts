import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy on loopback that drops every connection at an interval. */
export interface CuttingProxy extends AsyncDisposable {
  readonly address: string;
  /** `host:port` that connections are passed on to. */
  target: string;
  /** Connections dropped so far. */
  readonly cuts: number;
}

export async function startCuttingProxy(
  everyMs: number,
): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let cuts = 0;
  const server = createServer((near) => {
    const [host = '', port] = proxy.target.split(':');
    const far = connect(Number(port), host);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      socket.pipe(other);
      socket.on('error', () => other.destroy());
      socket.on('close', () => other.destroy());
    }
    sockets.add(near);
    near.on('close', () => sockets.delete(near));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    cuts += sockets.size;
    for (const socket of sockets) socket.destroy();
  };
  const timer = setInterval(cut, everyMs);
  const proxy: CuttingProxy = {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    target: '',
    get cuts() {
      return cuts;
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      cut();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}
