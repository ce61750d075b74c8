import * as tf from '@tensorflow/tfjs-core';

/** 2^16 + 1: float32 has 16 bits more than bfloat16. */
const splitter = 65537;

/**
 * The nearest bfloat16 of every value, in float32, by Veltkamp's splitting: sums
 * and products only, which every engine has (T. J. Dekker, "A floating-point
 * technique for extending the available precision", 1971). Of two that are
 * equally near it is either. Beyond 2^111 the result is NaN.
 */
export function roundToBfloat16<T extends tf.Tensor>(x: T): T {
  const scaled = tf.mul(x, splitter);
  return tf.sub<T>(scaled, tf.sub(scaled, x));
}
