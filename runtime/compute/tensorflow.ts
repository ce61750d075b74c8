import type * as Tensorflow from '@tensorflow/tfjs-core';
import { EngineUnavailableError } from '../errors.js';
import type { EngineProvider } from './engine.js';
import { createEagerEngine } from './eager.js';

/** What we use of tfjs-node; it is not a dependency, so it has no types here. */
interface TfjsNode {
  readonly version: Readonly<Record<string, string>>;
  backend(): Tensorflow.KernelBackend & NodeBackend;
}

interface NodeBackend {
  readonly isUsingGpuDevice: boolean;
  readonly binding: { readonly TF_Version: string };
}

/** In order of preference. The GPU package also runs where there is no GPU. */
const packages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];

type Loaded = { readonly version: string } | { readonly problem: string };

let loading: Promise<Loaded> | undefined;

/** TensorFlow's own kernels, if the user installed tfjs-node(-gpu). */
export const tensorflowProvider: EngineProvider = {
  name: 'tensorflow',
  async missing() {
    const loaded = await load();
    return 'problem' in loaded ? loaded.problem : undefined;
  },
  async create() {
    const loaded = await load();
    if ('problem' in loaded) {
      const { problem } = loaded;
      throw new EngineUnavailableError({ engine: 'tensorflow', problem });
    }
    return createEagerEngine('tensorflow', 'tensorflow', loaded.version);
  },
};

/** Once a process: an addon that failed to load does not load later. */
function load(): Promise<Loaded> {
  loading ??= loadFirst();
  return loading;
}

async function loadFirst(): Promise<Loaded> {
  const problems: string[] = [];
  for (const name of packages) {
    try {
      // CommonJS: the whole of its exports is the default export.
      const module = (await import(name)) as { default: TfjsNode };
      return { version: versionOf(name, module.default) };
    } catch (error) {
      problems.push(`${name}: ${problemOf(error)}`);
    }
  }
  return { problem: `${problems.join('; ')}. ${howToGetIt}` };
}

function versionOf(name: string, node: TfjsNode): string {
  const { binding, isUsingGpuDevice } = node.backend();
  const device = isUsingGpuDevice ? 'GPU' : 'CPU';
  const version = node.version['tfjs-node'] ?? 'of unknown version';
  const short = name.replace('@tensorflow/', '');
  return `${short} ${version} (TensorFlow ${binding.TF_Version}, ${device})`;
}

/** Node's error texts run over many lines; the first one says it. */
function problemOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ERR_MODULE_NOT_FOUND') return 'not installed';
  return message.split('\n', 1)[0] ?? message;
}

const howToGetIt =
  'Run `npm install --no-save @tensorflow/tfjs-node@4.22.0` (or ' +
  '`tfjs-node-gpu`, with CUDA 11.2 and cuDNN 8.1) in the folder of rrd; its ' +
  'install script downloads libtensorflow';
