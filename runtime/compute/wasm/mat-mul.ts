import * as tf from '@tensorflow/tfjs-core';

type KernelFunc = tf.KernelConfig['kernelFunc'];

/**
 * Matrix products through the backend's fast kernel, which takes operands as
 * they lie; the one for transposed operands is a plain loop.
 */
export function matMul(original: KernelFunc): KernelFunc {
  return (args) => {
    const { transposeA, transposeB } = args.attrs as Record<
      'transposeA' | 'transposeB',
      boolean
    >;
    if (!transposeA && !transposeB) return original(args);
    const { a, b } = args.inputs as unknown as Record<'a' | 'b', tf.Tensor>;
    return tf.tidy(() => {
      if (!transposeA && transposeB && b.size > a.size) {
        // The kernel repacks its second operand: let that be the small one.
        return swapAxes(tf.matMul(b, swapAxes(a)));
      }
      const left = transposeA ? swapAxes(a) : a;
      const right = transposeB ? swapAxes(b) : b;
      return tf.matMul(left, right);
    });
  };
}

/** Transposes the two last axes. */
function swapAxes(x: tf.Tensor): tf.Tensor {
  const axes = x.shape.map((_, axis) => axis);
  const [row, column] = axes.slice(-2) as [number, number];
  return tf.transpose(x, [...axes.slice(0, -2), column, row]);
}
