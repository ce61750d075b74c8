import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export type PeerKind = 'grpc' | 'tcp' | 'http2';

/** What a reader in a process of its own saw. */
export interface PeerReport {
  /** Monotonic, the same clock in all processes. */
  readonly arrivedMs: number[];
  readonly bytes: number;
}

/** Starts `count` readers of `messages` messages each; all are connected. */
export async function startPeers(
  kind: PeerKind,
  address: string,
  queue: string,
  messages: number,
  count: number,
) {
  const entry = fileURLToPath(new URL('./peer.js', import.meta.url));
  const args = [kind, address, queue, String(messages)];
  const children = Array.from({ length: count }, () => fork(entry, args));
  await Promise.all(children.map((child) => once(child, 'message')));
  // Listened to from now on: a reader may be done before it is asked for.
  const reports = Promise.all(children.map(reportOf));
  return {
    /** Lets readers that wait begin. */
    begin: () => children.forEach((child) => child.send('begin')),
    finish: () => reports,
  };
}

async function reportOf(child: ChildProcess): Promise<PeerReport> {
  const exit = once(child, 'exit');
  const [report] = (await once(child, 'message')) as [PeerReport];
  await exit;
  return report;
}
