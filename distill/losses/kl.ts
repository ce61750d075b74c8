import * as tf from '@tensorflow/tfjs-core';

/**
 * Hinton's distillation loss (arXiv 1503.02531), as a mean over the batch:
 *
 *   T^2 (1/N) sum_i KL( softmax(t_i / T) || softmax(s_i / T) )
 *
 * T^2 keeps the size of the gradient independent of the temperature. The
 * teacher's side is a constant: only the student gets a gradient.
 *
 * @param studentLogits s, [N, C]
 * @param teacherLogits t, [N, C]
 */
export function kl(
  studentLogits: tf.Tensor2D,
  teacherLogits: tf.Tensor2D,
  temperature: number,
): tf.Scalar {
  const count = studentLogits.shape[0];
  const divergence = tf.customGrad((student, save) => {
    const logStudent = tf.logSoftmax(
      tf.div(student as tf.Tensor2D, temperature),
    );
    const logTeacher = tf.logSoftmax(tf.div(teacherLogits, temperature));
    const teacher = tf.exp(logTeacher); // [N, C]
    const sum = tf.sum(tf.mul(teacher, tf.sub(logTeacher, logStudent)));
    (save as tf.GradSaveFunc)([tf.sub(tf.exp(logStudent), teacher)]);
    return {
      value: tf.mul<tf.Scalar>(sum, temperature ** 2 / count),
      // T / N (softmax(s / T) - softmax(t / T))
      gradFunc: (dy: tf.Tensor, [difference]: tf.Tensor[]) =>
        tf.mul(difference!, tf.mul(dy, temperature / count)),
    };
  });
  return divergence(studentLogits);
}
