import * as tf from '@tensorflow/tfjs-core';
import type { EngineProvider } from '../engine.js';
import { createEagerEngine } from '../eager.js';
import { registerKernels } from './kernels.js';
import { guardMemory } from './memory.js';

/** WebAssembly with SIMD in one thread: needs nothing but npm. */
export const wasmProvider: EngineProvider = {
  name: 'wasm',
  missing: async () => undefined,
  create: () =>
    withoutNewListeners(async () => {
      const { version_wasm } = await import('@tensorflow/tfjs-backend-wasm');
      registerKernels();
      const version = `tfjs-backend-wasm ${version_wasm}`;
      const engine = await createEagerEngine('wasm', 'wasm', version);
      guardMemory(tf.findBackend('wasm'));
      return engine;
    }),
};

/**
 * The backend's loader (Emscripten) listens for uncaught errors of the whole
 * process to rethrow them, which would take them from their real handlers.
 */
async function withoutNewListeners<Result>(
  load: () => Promise<Result>,
): Promise<Result> {
  const events = ['uncaughtException', 'unhandledRejection'];
  const before = events.map((event) => new Set(process.rawListeners(event)));
  const result = await load();
  events.forEach((event, i) => {
    for (const listener of process.rawListeners(event)) {
      if (before[i]!.has(listener)) continue;
      process.removeListener(event, listener as () => void);
    }
  });
  return result;
}
