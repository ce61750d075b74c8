import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js';

/** A link between two services, of which a test decides how well it works. */
export interface FaultyLink extends TcpProxy {
  /** Connections break, and new ones do. */
  cut(): void;
  /** Nothing arrives any more, and no end notices. */
  silence(): void;
  /** What is sent from now on arrives so much later, each way, in order. */
  delay(ms: number): void;
  /** As it was; what was on its way arrives. */
  mend(): void;
}

/** Passes everything on at once, to `target`, until it is told otherwise. */
export async function startFaultyLink(): Promise<FaultyLink> {
  let state: 'open' | 'cut' | 'silent' = 'open';
  let delayMs = 0;
  const proxy = await startTcpProxy((from, to) => {
    if (state === 'cut') from.destroy();
    const later = inOrder(() => delayMs);
    from.on('data', (bytes) => later(() => to.writable && to.write(bytes)));
    from.on('close', () => later(() => to.destroy()));
    if (state === 'silent') from.pause();
  });
  const each = (act: (socket: Socket) => void) => proxy.sockets.forEach(act);
  return Object.assign(proxy, {
    cut: () => {
      state = 'cut';
      each((socket) => socket.destroy());
    },
    silence: () => {
      state = 'silent';
      each((socket) => socket.pause());
    },
    delay: (ms: number) => void (delayMs = ms),
    mend: () => {
      [state, delayMs] = ['open', 0];
      each((socket) => socket.resume());
    },
  });
}

/** Acts one after another, none before its own delay is over. */
function inOrder(delayMs: () => number) {
  let turn: Promise<void> | undefined;
  return (act: () => unknown) => {
    const ms = delayMs();
    if (!turn && ms === 0) return void act();
    const due = Promise.all([turn, ms > 0 && sleep(ms)]);
    const own = due.then(() => {
      act();
      if (turn === own) turn = undefined;
    });
    turn = own;
  };
}
