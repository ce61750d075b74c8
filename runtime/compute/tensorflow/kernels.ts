import * as tf from '@tensorflow/tfjs-core';
import { bfloat16Kernels } from './bfloat16-conv.js';
import { fusedKernels } from './fused-kernels.js';
import { ownKernels } from './own-kernels.js';
import { hidesCaches, replacePointwiseConvs } from './pointwise-conv.js';
import type { TfjsNode } from './tfjs-node.js';

let registered = false;

/**
 * Brings faster kernels for those of distill/ops, which would else be composed of
 * many passes over memory. Checked against the compositions by the engines'
 * contract.
 */
export function registerKernels({ backend, hasOwnOperations }: TfjsNode): void {
  if (registered) return;
  registered = true;
  if (!backend.isUsingGpuDevice && hidesCaches()) replacePointwiseConvs();
  const kernels = {
    ...fusedKernels(backend),
    // They are for processors.
    ...(hasOwnOperations && !backend.isUsingGpuDevice && ownKernels(backend)),
    ...bfloat16Kernels(backend),
  };
  type Compute = (inputs: unknown, attributes: unknown) => tf.Tensor[];
  for (const [kernelName, compute] of Object.entries(kernels)) {
    const kernelFunc: tf.KernelFunc = ({ inputs, attrs }) =>
      tf.tidy(() => (compute as Compute)(inputs, attrs));
    const backendName = 'tensorflow';
    tf.registerKernel({ kernelName, backendName, kernelFunc });
  }
}
