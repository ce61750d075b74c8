import type { EngineProvider } from './engine.js';
import { createEagerEngine } from './eager.js';

/** Plain JavaScript: slow, always there, and what all others must equal. */
export const cpuProvider: EngineProvider = {
  name: 'cpu',
  missing: async () => undefined,
  async create() {
    const { version_cpu } = await import('@tensorflow/tfjs-backend-cpu');
    return createEagerEngine('cpu', 'cpu', `tfjs-backend-cpu ${version_cpu}`);
  },
};
