import * as tf from '@tensorflow/tfjs-core';

type Tensors<Name extends string> = Readonly<Record<Name, tf.Tensor>>;

/**
 * An operation of ours, by a name that a backend may bring a faster kernel of.
 * Where it brings none, `compose` says it in TensorFlow.js' own operations,
 * which is also what a tracing backend then sees.
 */
export interface Kernel<Input extends string, Attributes = object> {
  readonly name: string;
  readonly compose: (
    inputs: Tensors<Input>,
    attributes: Attributes,
  ) => tf.Tensor[];
}

const composed = new Set<string>();

/** Whether kernels of that name are compositions where a backend has none. */
export function isComposed(name: string): boolean {
  return composed.has(name);
}

/** Runs a kernel on the current backend. Its gradient, if any, is by name. */
export function runKernel<Input extends string, Attributes>(
  { name: kernelName, compose }: Kernel<Input, Attributes>,
  inputs: Tensors<Input>,
  ...[attributes]: object extends Attributes ? [] : [Attributes]
): tf.Tensor[] {
  const backendName = tf.getBackend();
  if (!tf.getKernel(kernelName, backendName)) {
    composed.add(kernelName);
    // Kernels are handed tensors, and the tape records nothing inside them.
    const kernelFunc: tf.KernelFunc = (args) =>
      tf.tidy(() =>
        compose(
          args.inputs as Tensors<Input>,
          args.attrs as unknown as Attributes,
        ),
      );
    tf.registerKernel({ kernelName, backendName, kernelFunc });
  }
  return tf
    .engine()
    .runKernel<tf.Tensor[]>(
      kernelName,
      { ...inputs },
      attributes as unknown as tf.NamedAttrMap,
    );
}
