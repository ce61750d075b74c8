import { startTcpProxy, type TcpProxy } from './tcp-proxy.js';

/**
 * A proxy that makes what is behind it far away.
 * @param delayMs of every byte, each way
 */
export function startDelayingProxy(delayMs: number): Promise<TcpProxy> {
  return startTcpProxy((from, to) => {
    from.on('data', (bytes) =>
      setTimeout(() => to.writable && to.write(bytes), delayMs),
    );
    from.on('close', () => setTimeout(() => to.destroy(), delayMs));
  });
}
