import { EngineUnavailableError } from '../../errors.js';
import { createEagerEngine } from '../eager.js';
import type { EngineProvider } from '../engine.js';
import { registerKernels } from './kernels.js';
import { loadTfjsNode } from './tfjs-node.js';

/** TensorFlow's own kernels, on CPU or GPU. */
export const tensorflowProvider: EngineProvider = {
  name: 'tensorflow',
  async missing() {
    const loaded = loadTfjsNode();
    return 'problem' in loaded ? loaded.problem : undefined;
  },
  async create() {
    const loaded = loadTfjsNode();
    if ('problem' in loaded) {
      const { problem } = loaded;
      throw new EngineUnavailableError({ engine: 'tensorflow', problem });
    }
    registerKernels(loaded);
    return createEagerEngine('tensorflow', 'tensorflow', loaded.version);
  },
};
