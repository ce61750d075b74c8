import { version_wasm } from '@tensorflow/tfjs-backend-wasm';
import type { EngineProvider } from './engine.js';
import { createEagerEngine } from './eager.js';

/** WebAssembly with SIMD in one thread: needs nothing but npm. */
export const wasmProvider: EngineProvider = {
  name: 'wasm',
  missing: async () => undefined,
  create: () =>
    createEagerEngine('wasm', 'wasm', `tfjs-backend-wasm ${version_wasm}`),
};
