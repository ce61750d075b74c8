import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '#runtime/paths.js';
import type { Span } from './otlp-receiver.js';
import type { Environments, Role } from './processes.js';
import { freePort } from './prometheus.js';

/** Processes that tell what they do: their environments, and their metrics. */
export interface Observed {
  readonly environments: Environments;
  /**
   * The sum of a counter over all processes of a role.
   * @param label as the text has it, of the series that are meant
   */
  total(role: Role, metric: string, label?: string): Promise<number>;
}

/**
 * @param processes that may be started
 * @param more environment of each role
 * @param collector where spans go: none without it
 */
export async function observe(
  processes: number,
  more: Environments,
  collector?: string,
): Promise<Observed> {
  const telemetry = join(packageRoot, 'dist/runtime/telemetry.js');
  const free: number[] = [];
  while (free.length < processes) free.push(await freePort());
  const ports: [Role, number][] = [];
  const traced = collector && {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_BSP_SCHEDULE_DELAY: 100,
  };
  return {
    environments(role) {
      const port = free.pop()!;
      ports.push([role, port]);
      return {
        ...more(role),
        ...traced,
        NODE_OPTIONS: `--import ${pathToFileURL(telemetry).href}`,
        OTEL_SERVICE_NAME: role,
        OTEL_EXPORTER_PROMETHEUS_PORT: port,
      };
    },
    async total(role, metric, label = '') {
      const own = ports.filter(([name]) => name === role);
      const each = own.map(([, port]) => sumOf(port, metric, label));
      return (await Promise.all(each)).reduce((sum, value) => sum + value, 0);
    },
  };
}

async function sumOf(
  port: number,
  metric: string,
  label: string,
): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  const lines = (await response.text()).split('\n');
  return lines
    .filter((line) => line.startsWith(metric) && line.includes(label))
    .reduce((sum, line) => sum + Number(line.split(' ')[1]), 0);
}

export function msOf({ startTimeUnixNano, endTimeUnixNano }: Span): number {
  return Number(BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)) / 1e6;
}
