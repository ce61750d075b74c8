import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { z } from 'zod';

/**
 * Where the replicas of a service are, as a setting says it: one `host:port`
 * or several with commas. A host may be a name with many addresses (a headless
 * Service of Kubernetes), also written `dns:///host:port` as gRPC does.
 */
export interface Endpoint {
  /** A name or an IP address, without brackets. */
  readonly host: string;
  readonly port: number;
}

/** One replica. */
export interface ReplicaAddress {
  /** `ip:port` */
  readonly address: string;
  /** The name that it was found by, which its certificate has. */
  readonly host: string;
}

const pattern = /^(?:dns:\/\/\/)?(\[[^\]]+\]|[^\s:,/[\]]+):(\d{1,5})$/;

/** A setting that names the replicas of a service. */
export const addressesSetting = z
  .string()
  .min(1)
  .refine((text) => text.split(',').every(isAddress), {
    error: 'host:port, or several with commas, each also dns:///host:port',
  });

/** @param text as `addressesSetting` takes it */
export function parseAddresses(text: string): Endpoint[] {
  return text.split(',').map((part) => {
    const [, host = '', port = ''] = pattern.exec(part.trim()) ?? [];
    return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
  });
}

/** Whether the replicas can change without a change of the setting. */
export function areDiscovered(endpoints: readonly Endpoint[]): boolean {
  return endpoints.some(({ host }) => isIP(host) === 0);
}

/**
 * All replicas that are known now. A name that cannot be looked up has none:
 * it may have some later.
 */
export async function resolveAddresses(
  endpoints: readonly Endpoint[],
): Promise<ReplicaAddress[]> {
  const found = await Promise.all(endpoints.map(addressesOf));
  const byAddress = new Map(found.flat().map((each) => [each.address, each]));
  return [...byAddress.values()];
}

async function addressesOf({ host, port }: Endpoint) {
  if (isIP(host)) return [replica(host, port, host)];
  const all = await lookup(host, { all: true, verbatim: true }).catch(() => []);
  return all.map(({ address }) => replica(address, port, host));
}

function replica(ip: string, port: number, host: string): ReplicaAddress {
  return {
    address: isIP(ip) === 6 ? `[${ip}]:${port}` : `${ip}:${port}`,
    host,
  };
}

function isAddress(part: string): boolean {
  const [, , port] = pattern.exec(part.trim()) ?? [];
  return port !== undefined && Number(port) >= 1 && Number(port) <= 65535;
}
