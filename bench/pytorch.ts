import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { NamedHostTensors } from '#distill/tensors.js';
import { packageRoot } from '#runtime/paths.js';

const execute = promisify(execFile);

/** What a run of some steps gave. */
export interface Steps {
  readonly losses: readonly number[];
  readonly ms: readonly number[];
  /** Processor time of all threads: what a busy machine changes least. */
  readonly cpuMs: readonly number[];
}

/** Debian's PyTorch is for Debian's Python; another may come first in PATH. */
const pythons = ['python3', '/usr/bin/python3'];
const debianPackages = ['python3-torch', 'libopenblas0-pthread'];

/**
 * A Python with PyTorch; on Debian, root gets one installed.
 * @throws Error with what to install, if there is none
 */
export async function findPyTorch() {
  const found = await tryPythons();
  if (found) return found;
  console.error(`bench: installing ${debianPackages.join(' ')}`);
  const script = join(packageRoot, 'scripts', 'debian.mjs');
  await execute(process.execPath, [script, ...debianPackages]).catch(
    (error: unknown) => {
      const how = `apt-get install ${debianPackages.join(' ')}, or pip install torch`;
      throw new Error(`PyTorch is needed: ${how}`, { cause: error });
    },
  );
  const installed = await tryPythons();
  if (installed) return installed;
  throw new Error('PyTorch was installed but does not load');
}

async function tryPythons() {
  for (const python of pythons) {
    try {
      const code = 'import torch; print(torch.__version__)';
      const { stdout } = await execute(python, ['-c', code]);
      return { python, version: `PyTorch ${stdout.trim()}` };
    } catch {
      continue; // not this one
    }
  }
  return undefined;
}

/** Where a peer runs: in full float32, with bfloat16, or with TensorFloat-32. */
export type PeerDevice = 'cpu' | 'cpu-bf16' | 'cuda' | 'cuda-tf32';

/** Empty if that PyTorch has no CUDA or finds no GPU. */
export async function cudaDevices(python: string): Promise<PeerDevice[]> {
  const code = 'import torch; print(torch.cuda.is_available())';
  const { stdout } = await execute(python, ['-c', code]);
  return stdout.trim() === 'True' ? ['cuda', 'cuda-tf32'] : [];
}

/** A script of bench/peers that runs steps when told to. */
export class PyTorchPeer {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(python: string, script: string, args: readonly string[]) {
    const path = join(packageRoot, 'bench', 'peers', script);
    this.#child = spawn(python, [path, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const input = this.#child.stdout!;
    this.#lines = createInterface({ input })[Symbol.asyncIterator]();
  }

  async run(count: number): Promise<Steps> {
    this.#child.stdin!.write(`${count}\n`);
    const line = await this.#lines.next();
    if (line.done) throw new Error('the PyTorch process ended');
    return JSON.parse(line.value) as Steps;
  }

  async close(): Promise<void> {
    this.#child.stdin!.end();
    if (this.#child.exitCode === null) await once(this.#child, 'exit');
  }
}

/** Tensors of one file that is read by parts. */
export function prefixed(
  prefix: string,
  tensors: NamedHostTensors,
): NamedHostTensors {
  const entries = Object.entries(tensors);
  return Object.fromEntries(entries.map(([k, t]) => [`${prefix}.${k}`, t]));
}
