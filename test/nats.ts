import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Why tests against a real nats-server cannot run here; undefined: they can. */
export function natsMissing(): string | undefined {
  const { error } = spawnSync('nats-server', ['--version']);
  return (
    error && 'no nats-server on the PATH (Debian: apt-get install nats-server)'
  );
}

export interface NatsServer {
  /** `127.0.0.1:port`, the same after a restart. */
  readonly address: string;
  /** Dies without a word, as a machine does. What it stored stays. */
  kill(): Promise<void>;
  /** Comes back on the same port with what it had stored. */
  restart(): Promise<void>;
  /** Stops it and removes its files. */
  close(): Promise<void>;
}

/**
 * A real nats-server on a free port of the loopback, with JetStream.
 * @param args replaces `-js`; its files may lie in `folder`
 */
export async function startNatsServer(
  args: (folder: string) => string[] = () => ['-js'],
): Promise<NatsServer> {
  const folder = mkdtempSync(join(tmpdir(), 'rrd-nats-'));
  const store = join(folder, 'store');
  const start = (port: string) =>
    startProcess([
      '-a',
      '127.0.0.1',
      '-p',
      port,
      '-sd',
      store,
      ...args(folder),
    ]);
  const { process: first, address } = await start('-1');
  let server = first;
  const port = address.split(':')[1] ?? '';
  return {
    address,
    kill: () => stopProcess(server, 'SIGKILL'),
    restart: async () => {
      server = (await start(port)).process;
    },
    close: async () => {
      await stopProcess(server, 'SIGTERM');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Resolves once the server accepts clients. */
async function startProcess(
  args: string[],
): Promise<{ process: ChildProcess; address: string }> {
  const server = spawn('nats-server', args, {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const killAtExit = () => server.kill('SIGKILL');
  process.once('exit', killAtExit);
  server.once('exit', () => process.off('exit', killAtExit));
  const lines: string[] = [];
  for await (const line of createInterface(server.stderr)) {
    lines.push(line);
    if (!line.includes('Server is ready')) continue;
    server.stderr.resume();
    const listening = /client connections on (\S+)/.exec(lines.join('\n'));
    return { process: server, address: listening?.[1] ?? '' };
  }
  throw new Error(`nats-server did not start:\n${lines.join('\n')}`);
}

async function stopProcess(
  server: ChildProcess,
  signal: NodeJS.Signals,
): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exit = once(server, 'exit');
  server.kill(signal);
  await exit;
}
