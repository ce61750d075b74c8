import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { StreamKind } from './stream.js';

/** What a client in a process of its own is to do. */
export type PeerTask =
  | {
      readonly kind: StreamKind;
      readonly address: string;
      readonly messages: number;
      readonly messageBytes: number;
    }
  | {
      readonly kind: 'load';
      readonly address: string;
      readonly model: string;
      readonly clients: number;
      readonly batch: number;
      readonly seconds: number;
    };

/** Runs a task in a process of its own, and returns what it reports. */
export async function startPeer<Report>(task: PeerTask): Promise<Report> {
  const entry = fileURLToPath(new URL('./peer.js', import.meta.url));
  const child = fork(entry, [JSON.stringify(task)]);
  const exit = once(child, 'exit');
  const [report] = (await Promise.race([
    once(child, 'message'),
    exit.then(([code]) => Promise.reject(new Error(`peer ended: ${code}`))),
  ])) as [Report];
  await exit;
  return report;
}
