import type { ConvPrecision } from '#distill/ops/autocast.js';
import { EngineUnavailableError } from '../errors.js';
import type {
  Engine,
  EngineChoice,
  EngineName,
  EngineProvider,
} from './engine.js';

/**
 * Every engine, fastest first, which is the order in which `auto` tries them.
 * An engine's code is loaded only when it is asked about.
 */
export const engineProviders: readonly EngineProvider[] = [
  lazily(
    'tensorflow',
    async () => (await import('./tensorflow/index.js')).tensorflowProvider,
  ),
  lazily('onnx', async () => (await import('./onnx/index.js')).onnxProvider),
  lazily('wasm', async () => (await import('./wasm/index.js')).wasmProvider),
  lazily(
    'webgpu',
    async () => (await import('./webgpu/index.js')).webgpuProvider,
  ),
  lazily('cpu', async () => (await import('./cpu.js')).cpuProvider),
];

/**
 * Creates the engine `name`; `auto` takes the first that can run here. Callers
 * report the engine's `name` and `version`: which one runs is never silent.
 *
 * @throws EngineUnavailableError with how to get it, if `name` cannot run here
 */
export async function createEngine(name: EngineChoice): Promise<Engine> {
  return (await providerOf(name)).create();
}

/**
 * The engine that `createEngine` would create, without creating it: for a
 * service that computes in threads to fail at its start, and to say which.
 *
 * @throws EngineUnavailableError as `createEngine`
 */
export async function chooseEngine(name: EngineChoice): Promise<EngineName> {
  const provider = await providerOf(name);
  const problem = await provider.missing();
  if (!problem) return provider.name;
  throw new EngineUnavailableError({ engine: name, problem });
}

/**
 * The same for what only looks, as a teacher: a forward alone is faster on
 * `onnx` than on `tensorflow` (docs/engines.md), so `auto` takes it first; but
 * not in bfloat16, which only `tensorflow` has instructions for.
 */
export async function chooseForwardEngine(
  name: EngineChoice,
  precision: ConvPrecision = 'float32',
): Promise<EngineName> {
  if (name !== 'auto' || precision !== 'float32') return chooseEngine(name);
  return chooseEngine('onnx').catch(() => chooseEngine('auto'));
}

async function providerOf(name: EngineChoice): Promise<EngineProvider> {
  for (const provider of engineProviders) {
    const problem =
      name === 'auto' ? await provider.missing() : provider.name !== name;
    if (!problem) return provider;
  }
  const problem = 'there is no engine of that name';
  throw new EngineUnavailableError({ engine: name, problem });
}

function lazily(
  name: EngineName,
  load: () => Promise<EngineProvider>,
): EngineProvider {
  return {
    name,
    missing: async () => (await load()).missing(),
    create: async () => (await load()).create(),
  };
}
