import * as tf from '@tensorflow/tfjs-core';

/** Norms are never taken to be smaller than this (as in torch). */
const minimalNorm = 1e-12;

/**
 * f = z / max(|z|, 1e-12), row by row.
 *
 * df = (g - (g . f) f) / |z|, which is finite where autodiff's square root is
 * not: at z = 0.
 *
 * @param z [N, d]
 */
export function l2Normalize(z: tf.Tensor2D): tf.Tensor2D {
  return normalizeRows(z);
}

const normalizeRows = tf.customGrad((z, save) => {
  const rows = z as tf.Tensor2D;
  const norm = tf.maximum(
    tf.sqrt(tf.sum(tf.square(rows), 1, true)),
    minimalNorm,
  ); // [N, 1]
  const value = tf.div<tf.Tensor2D>(rows, norm);
  (save as tf.GradSaveFunc)([value, norm]);
  const gradFunc = (g: tf.Tensor, saved: tf.Tensor[]) =>
    tf.tidy(() => {
      const [f, length] = saved as [tf.Tensor2D, tf.Tensor2D];
      const along = tf.sum(tf.mul(g, f), 1, true); // [N, 1]
      return tf.div(tf.sub(g, tf.mul(along, f)), length);
    });
  return { value, gradFunc };
});
