import { version_wasm } from '@tensorflow/tfjs-backend-wasm';
import type { EngineProvider } from '../engine.js';
import { createEagerEngine } from '../eager.js';
import { registerKernels } from './kernels.js';

/** WebAssembly with SIMD in one thread: needs nothing but npm. */
export const wasmProvider: EngineProvider = {
  name: 'wasm',
  missing: async () => undefined,
  async create() {
    registerKernels();
    const version = `tfjs-backend-wasm ${version_wasm}`;
    return createEagerEngine('wasm', 'wasm', version);
  },
};
