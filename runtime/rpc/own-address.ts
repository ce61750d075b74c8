import { networkInterfaces } from 'node:os';

/**
 * Where others reach a server: at the address that it listens on, or,
 * where that means all of them, at this machine's first one (in a pod, the
 * pod's).
 * @param listening host:port
 */
export function ownAddress(listening: string): string {
  const [, host, port] = /^(.*):(\d+)$/.exec(listening) ?? [];
  if (host !== '0.0.0.0' && host !== '[::]') return listening;
  const all = Object.values(networkInterfaces()).flatMap((own) => own ?? []);
  const outer = all.filter(({ internal }) => !internal);
  const first = outer.find(({ family }) => family === 'IPv4') ?? outer[0];
  if (!first) return `127.0.0.1:${port}`;
  const { family, address } = first;
  return family === 'IPv4' ? `${address}:${port}` : `[${address}]:${port}`;
}
