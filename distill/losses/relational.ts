import * as tf from '@tensorflow/tfjs-core';
import type { Temperatures } from '../temperature.js';

/** Queue rows held against the batch at a time: bounds memory to [N, 16384]. */
const defaultBlockRows = 16384;

export interface RelationalLoss {
  /** The cross-entropy below: what is minimised. */
  readonly loss: tf.Scalar;
  /** loss - H(p_t), the mean KL divergence: 0 where the student is perfect. */
  readonly kl: tf.Scalar;
}

/**
 * Relational Representation Distillation (arXiv 2407.12073): the student's
 * similarities to a bank of teacher embeddings Q shall be distributed as the
 * teacher's own,
 *
 *   p_t = softmax(f_t Q^T / tau_t)      p_s = softmax(f_s Q^T / tau_s)
 *   L = -(1/N) sum_i sum_k p_t[i,k] log p_s[i,k]
 *
 * With E[Q] the mean row under p and logZ the log of its normaliser,
 *
 *   L_i = logZ_s - f_s . E_t[Q] / tau_s      H(p_t) = logZ_t - f_t . E_t[Q] / tau_t
 *   dL/df_s = (E_s[Q] - E_t[Q]) / (N tau_s)
 *
 * so one pass over Q gives value and gradient, and nothing of size [N, K] is
 * kept. Teacher and queue are constants.
 *
 * @param student f_s, L2-normalised embeddings [N, d]
 * @param teacher f_t, L2-normalised embeddings [N, d]
 * @param queue Q, [K, d]
 */
export function relational(
  student: tf.Tensor2D,
  teacher: tf.Tensor2D,
  queue: tf.Tensor2D,
  { studentTemperature, teacherTemperature }: Temperatures,
  blockRows = defaultBlockRows,
): RelationalLoss {
  const count = student.shape[0];
  const lossAndKl = tf.customGrad((input, save) => {
    const s = tf.div<tf.Tensor2D>(input as tf.Tensor2D, studentTemperature);
    const t = tf.div<tf.Tensor2D>(teacher, teacherTemperature);
    const bankOfStudent = attend(s, queue, blockRows);
    const bankOfTeacher = attend(t, queue, blockRows);
    const loss = meanEntropy(s, bankOfStudent, bankOfTeacher.mean);
    const entropy = meanEntropy(t, bankOfTeacher, bankOfTeacher.mean);
    (save as tf.GradSaveFunc)([tf.sub(bankOfStudent.mean, bankOfTeacher.mean)]);
    return {
      value: tf.stack([loss, tf.sub(loss, entropy)]), // [2]
      gradFunc: (dy: tf.Tensor, [difference]: tf.Tensor[]) =>
        tf.mul(
          difference!,
          tf.div(tf.sum(dy), count * studentTemperature), // both have dL/df_s
        ),
    };
  });
  const [loss, kl] = tf.unstack(lossAndKl(student));
  return { loss: loss as tf.Scalar, kl: kl as tf.Scalar };
}

interface Attention {
  /** sum_k p[i,k] Q[k], [N, d] */
  readonly mean: tf.Tensor2D;
  /** log sum_k exp(f_i . Q[k]), [N, 1] */
  readonly logNormalizer: tf.Tensor2D;
}

/** -sum_k p[k] log softmax(f Q^T)[k], where `mean` is p's; averaged over rows. */
function meanEntropy(
  f: tf.Tensor2D,
  { logNormalizer }: Attention,
  mean: tf.Tensor2D,
): tf.Scalar {
  const expected = tf.sum(tf.mul(f, mean), 1, true); // [N, 1]
  return tf.mean(tf.sub(logNormalizer, expected));
}

/** Softmax attention over the queue, block by block with a running maximum. */
function attend(
  f: tf.Tensor2D,
  queue: tf.Tensor2D,
  blockRows: number,
): Attention {
  const [capacity, featDim] = queue.shape;
  let peak: tf.Tensor2D | undefined; // [N, 1]
  let mass: tf.Tensor = tf.zeros([f.shape[0], 1]); // sum of exp(score - peak)
  let sum: tf.Tensor = tf.zeros([f.shape[0], featDim]); // the same, times Q
  for (let start = 0; start < capacity; start += blockRows) {
    const size = Math.min(blockRows, capacity - start);
    const rows =
      size === capacity
        ? queue
        : tf.slice2d(queue, [start, 0], [size, featDim]);
    const scores = tf.matMul(f, rows, false, true); // [N, size]
    const blockPeak = tf.max<tf.Tensor2D>(scores, 1, true);
    const newPeak = peak ? tf.maximum<tf.Tensor2D>(peak, blockPeak) : blockPeak;
    const weights = tf.exp(tf.sub<tf.Tensor2D>(scores, newPeak));
    const kept = peak ? tf.exp(tf.sub(peak, newPeak)) : tf.scalar(0);
    mass = tf.add(tf.mul(mass, kept), tf.sum(weights, 1, true));
    sum = tf.add(tf.mul(sum, kept), tf.matMul(weights, rows));
    peak = newPeak;
  }
  return {
    mean: tf.div(sum, mass),
    logNormalizer: tf.add(peak!, tf.log(mass)),
  };
}
