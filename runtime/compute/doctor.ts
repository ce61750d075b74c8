import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { promisify } from 'node:util';
import type { EngineName, EngineProvider } from './engine.js';
import { engineProviders } from './index.js';

/** What this machine can compute with, for `rrd doctor`. */
export interface ComputeReport {
  /** In the order in which `auto` tries them. */
  readonly engines: readonly EngineReport[];
  readonly cpu: CpuReport;
  readonly gpus: readonly Gpu[];
}

export type EngineReport = { readonly name: EngineName } & (
  | { readonly version: string }
  /** Why it cannot run here and how to get it. */
  | { readonly missing: string }
);

export interface CpuReport {
  readonly model: string;
  /** That this process may use at once. */
  readonly threads: number;
  readonly memoryBytes: number;
  /** Instruction sets that engines use, e.g. `avx2`; empty if unknown. */
  readonly features: readonly string[];
}

export interface Gpu {
  readonly name: string;
  readonly memoryBytes: number;
  readonly driver: string;
}

/** Starts every engine that is present once, to hear its version. */
export async function inspectCompute(): Promise<ComputeReport> {
  const engines: EngineReport[] = [];
  // In turn: they share TensorFlow.js' one current backend.
  for (const provider of engineProviders) {
    engines.push(await inspectEngine(provider));
  }
  return { engines, cpu: inspectCpu(), gpus: await nvidiaGpus() };
}

async function inspectEngine(provider: EngineProvider): Promise<EngineReport> {
  const { name } = provider;
  const missing = await provider.missing();
  if (missing) return { name, missing };
  const engine = await provider.create();
  await engine.dispose();
  return { name, version: engine.version };
}

function inspectCpu(): CpuReport {
  return {
    model: cpus()[0]?.model ?? 'unknown',
    threads: availableParallelism(),
    memoryBytes: Math.min(totalmem(), process.constrainedMemory() || Infinity),
    features: ownCpuFeatures(),
  };
}

/** Linux' names for what x86 and ARM kernels choose their code by. */
const known = new Set([
  ...['sse4_2', 'avx', 'fma', 'f16c', 'avx2', 'avx512f', 'avx512_vnni'],
  ...['avx512_bf16', 'avx_vnni', 'amx_tile', 'amx_int8', 'amx_bf16'],
  ...['asimd', 'asimdhp', 'asimddp', 'sve', 'sve2', 'i8mm', 'bf16'],
]);

/** Only Linux has the file; elsewhere the features stay unknown. */
export function ownCpuFeatures(): string[] {
  try {
    return cpuFeatures(readFileSync('/proc/cpuinfo', 'utf8'));
  } catch {
    return [];
  }
}

/** The known features in the text of /proc/cpuinfo. */
export function cpuFeatures(cpuinfo: string): string[] {
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo)?.[1] ?? '';
  return line.split(/\s+/).filter((feature) => known.has(feature));
}

const smiArguments = [
  '--query-gpu=name,memory.total,driver_version',
  '--format=csv,noheader,nounits',
];

/** NVIDIA's GPUs; none where its driver's tool does not answer. */
export async function nvidiaGpus(): Promise<Gpu[]> {
  try {
    const options = { timeout: 10_000 };
    const run = promisify(execFile);
    return parseGpus((await run('nvidia-smi', smiArguments, options)).stdout);
  } catch {
    return [];
  }
}

/** Lines of `name, MiB, driver version`. */
export function parseGpus(csv: string): Gpu[] {
  const lines = csv.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => {
    const [name = '', mebibytes, driver = ''] = line
      .split(',')
      .map((field) => field.trim());
    return { name, memoryBytes: Number(mebibytes) * 2 ** 20, driver };
  });
}
