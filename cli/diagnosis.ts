import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { inspectCompute } from '#runtime/compute/doctor.js';
import { bytes } from './text.js';

/** One thing that rrd can use: what was found, or what is missing. */
export interface Finding {
  readonly name: string;
  readonly found?: string;
  /** Why it is not there, or how to get it. */
  readonly missing?: string;
}

/** Looks at this machine; changes nothing. */
export async function diagnose(): Promise<Finding[]> {
  const { cpu, gpus, engines } = await inspectCompute();
  const processor = `${cpu.model}, ${cpu.threads} threads, ${bytes(cpu.memoryBytes)}`;
  const graphics = gpus.map((gpu) => `${gpu.name} (${bytes(gpu.memoryBytes)})`);
  return [
    { name: 'node', found: process.version },
    { name: 'cpu', found: processor },
    { name: 'cpu features', found: cpu.features.join(' ') || 'unknown' },
    graphics.length > 0
      ? { name: 'gpu', found: graphics.join(', ') }
      : { name: 'gpu', missing: 'no NVIDIA driver answers (nvidia-smi)' },
    ...engines.map((engine): Finding => {
      const name = `engine ${engine.name}`;
      return 'version' in engine
        ? { name, found: engine.version }
        : { name, missing: engine.missing };
    }),
    await findProgram(
      'nats-server',
      'needed for services in separate processes: apt-get install nats-server, or nats.io',
    ),
    await findProgram('podman', 'only for trying the pods on this machine'),
  ];
}

async function findProgram(name: string, why: string): Promise<Finding> {
  try {
    const { stdout, stderr } = await promisify(execFile)(name, ['--version'], {
      timeout: 10_000,
    });
    return { name, found: (stdout || stderr).trim().split('\n')[0] ?? '' };
  } catch {
    return { name, missing: why };
  }
}
