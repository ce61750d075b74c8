import { passOn, startTcpProxy, type TcpProxy } from './tcp-proxy.js';

/** A proxy that drops every connection at an interval. */
export interface CuttingProxy extends TcpProxy {
  /** Connections dropped so far. */
  readonly cuts: number;
}

export async function startCuttingProxy(
  everyMs: number,
): Promise<CuttingProxy> {
  let cuts = 0;
  const proxy = await startTcpProxy(passOn);
  const timer = setInterval(() => {
    cuts += proxy.sockets.size / 2;
    for (const socket of proxy.sockets) socket.destroy();
  }, everyMs);
  const close = proxy[Symbol.asyncDispose];
  return Object.defineProperties(proxy as CuttingProxy, {
    cuts: { get: () => cuts },
    [Symbol.asyncDispose]: {
      value: () => {
        clearInterval(timer);
        return close();
      },
    },
  });
}
