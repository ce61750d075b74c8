import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Why Prometheus cannot scrape here; undefined: it can. */
export function prometheusMissing(): string | undefined {
  const { error } = spawnSync('prometheus', ['--version']);
  return error && 'no prometheus on the PATH (apt-get install prometheus)';
}

/** What `promtool check metrics` has to say; empty if nothing. */
export function metricsProblems(text: string): string {
  const { stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  });
  return stdout + stderr;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export interface Prometheus extends AsyncDisposable {
  /** The value of each series that the query answers with. */
  query(expression: string): Promise<number[]>;
}

/** A real Prometheus that scrapes `ports` of the loopback every second. */
export async function startPrometheus(
  ports: readonly number[],
): Promise<Prometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'rrd-prometheus-'));
  const address = `127.0.0.1:${await freePort()}`;
  const config = {
    global: { scrape_interval: '1s' },
    scrape_configs: [
      {
        job_name: 'rrd',
        static_configs: [{ targets: ports.map((port) => `127.0.0.1:${port}`) }],
      },
    ],
  };
  await writeFile(join(folder, 'config.yml'), JSON.stringify(config));
  const server = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'config.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
    ],
    { stdio: 'ignore' },
  );
  const exit = once(server, 'exit');
  return {
    query: (expression) => query(address, expression),
    [Symbol.asyncDispose]: async () => {
      server.kill();
      await exit;
      await rm(folder, { recursive: true });
    },
  };
}

interface Answer {
  data: { result: { value: [number, string] }[] };
}

/** Empty while the server is not up yet. */
async function query(address: string, expression: string): Promise<number[]> {
  const url = new URL(`http://${address}/api/v1/query`);
  url.searchParams.set('query', expression);
  const response = await fetch(url).catch(() => undefined);
  if (!response?.ok) return [];
  const { data } = (await response.json()) as Answer;
  return data.result.map(({ value: [, value] }) => Number(value));
}
