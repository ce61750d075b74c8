import { version_cpu } from '@tensorflow/tfjs-backend-cpu';
import type { EngineProvider } from './engine.js';
import { createEagerEngine } from './eager.js';

/** Plain JavaScript: slow, always there, and what all others must equal. */
export const cpuProvider: EngineProvider = {
  name: 'cpu',
  missing: async () => undefined,
  create: () =>
    createEagerEngine('cpu', 'cpu', `tfjs-backend-cpu ${version_cpu}`),
};
