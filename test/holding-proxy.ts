import { passOn, startTcpProxy, type TcpProxy } from './tcp-proxy.js';

/** A proxy that can keep what is on its way. */
export interface HoldingProxy extends TcpProxy {
  /** Nothing passes any more, in either direction. */
  hold(): void;
  /** What was held arrives now, and all else passes again. */
  release(): void;
}

/** @param target `host:port` that connections are passed on to */
export async function startHoldingProxy(target: string): Promise<HoldingProxy> {
  let isHolding = false;
  const proxy = await startTcpProxy((from, to) => {
    passOn(from, to);
    if (isHolding) from.pause();
  });
  proxy.target = target;
  return Object.assign(proxy, {
    hold: () => {
      isHolding = true;
      proxy.sockets.forEach((socket) => socket.pause());
    },
    release: () => {
      isHolding = false;
      proxy.sockets.forEach((socket) => socket.resume());
    },
  });
}
