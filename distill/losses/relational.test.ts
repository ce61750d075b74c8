import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { l2Normalize } from '../ops/l2-normalize.js';
import { presets, type Temperatures } from '../temperature.js';
import {
  expectClose,
  expectGradient,
  randomTensor,
} from '../testing/numeric.js';
import { relational } from './relational.js';

const mild = { studentTemperature: 0.5, teacherTemperature: 0.4 };

function sample(count: number, capacity: number, width: number) {
  return {
    z: randomTensor<tf.Tensor2D>([count, width], 'student'),
    teacher: l2Normalize(randomTensor([count, width], 'teacher')),
    queue: l2Normalize(randomTensor([capacity, width], 'queue')),
  };
}

/** The definition, letter by letter, differentiated by TensorFlow.js. */
function asDefined(
  student: tf.Tensor2D,
  teacher: tf.Tensor2D,
  queue: tf.Tensor2D,
  { studentTemperature, teacherTemperature }: Temperatures,
): tf.Scalar {
  const scores = (f: tf.Tensor2D, temperature: number) =>
    tf.div<tf.Tensor2D>(tf.matMul(f, queue, false, true), temperature);
  const p = tf.softmax(scores(teacher, teacherTemperature)); // [N, K]
  const logP = tf.logSoftmax(scores(student, studentTemperature)); // [N, K]
  return tf.neg(tf.mean(tf.sum(tf.mul(p, logP), 1)));
}

describe('relational', () => {
  it('is what can be worked out by hand', () => {
    // One student row halfway between two queue rows, teacher on the first:
    // p_s = (1/2, 1/2), so L = log 2; p_t = softmax(1 / tau_t, 0).
    const student = tf.tensor2d([[Math.SQRT1_2, Math.SQRT1_2]]);
    const teacher = tf.tensor2d([[1, 0]]);
    const queue = tf.eye(2);
    const temperatures = { studentTemperature: 1, teacherTemperature: 1 };
    const { loss, kl } = relational(student, teacher, queue, temperatures);
    expectClose(loss, [Math.log(2)], 1e-6);
    const p = Math.E / (Math.E + 1);
    const entropy = -p * Math.log(p) - (1 - p) * Math.log(1 - p);
    expectClose(kl, [Math.log(2) - entropy], 1e-6);
  });

  // An independent pure-Python calculation in doubles: queue rows 2 and 3 are
  // the batch's own embeddings (enqueued before).
  const golden: [keyof typeof presets, number, number[]][] = [
    [
      'cli',
      3.2401262077,
      [
        -0.00546516, -0.00165836, 0.00231799, 3.68260482, -6.42898661,
        3.24563695,
      ],
    ],
    [
      'paper',
      16.1852205898,
      [
        0.00576955, 0.00089376, -0.00266133, 18.47661553, -32.20419451,
        16.36186258,
      ],
    ],
    [
      'v2024',
      8.0926107133,
      [
        0.00288459, 0.00044683, -0.00133059, 9.23830407, -16.10209473,
        8.18092216,
      ],
    ],
  ];
  it.each(golden)(
    'matches the fixture at preset %s',
    (preset, value, gradient) => {
      const z = tf.tensor2d([
        [0.2, -0.1, 0.4],
        [0.7, 0.3, -0.2],
      ]);
      const teacher = l2Normalize(
        tf.tensor2d([
          [0.5, 0.1, 0.3],
          [-0.2, 0.6, 0.1],
        ]),
      );
      const old = tf.tensor2d([
        [0.1, 0, -0.1],
        [0, 0.2, 0.1],
      ]);
      const queue = tf.concat([old, teacher]);
      const result = tf.valueAndGrad(
        (x) =>
          relational(
            l2Normalize(x as tf.Tensor2D),
            teacher,
            queue,
            presets[preset],
          ).loss,
      )(z);
      expectClose(result.value, [value], 2e-6 * value);
      expectClose(result.grad, gradient, 2e-6 * 33);
    },
  );

  it('has the gradient of its definition, in blocks or in one piece', () => {
    const { z, teacher, queue } = sample(5, 37, 6);
    const expected = tf.valueAndGrad((x) =>
      asDefined(l2Normalize(x as tf.Tensor2D), teacher, queue, mild),
    )(z);
    for (const blockRows of [1, 8, 37, 1000]) {
      const actual = tf.valueAndGrad(
        (x) =>
          relational(
            l2Normalize(x as tf.Tensor2D),
            teacher,
            queue,
            mild,
            blockRows,
          ).loss,
      )(z);
      expectClose(actual.value, expected.value, 2e-6);
      expectClose(actual.grad, expected.grad, 2e-6);
    }
  });

  it('agrees with finite differences', () => {
    const { z, teacher, queue } = sample(3, 7, 4);
    expectGradient(
      (x) => relational(l2Normalize(x), teacher, queue, mild).loss,
      z,
    );
  });

  it('gives loss and KL the same gradient', () => {
    const { z, teacher, queue } = sample(3, 7, 4);
    const gradientOf = (part: 'loss' | 'kl') =>
      tf.grad((x) => relational(x as tf.Tensor2D, teacher, queue, mild)[part])(
        z,
      );
    expectClose(gradientOf('kl'), gradientOf('loss'), 1e-7);
  });

  it('does not depend on the order of the queue', () => {
    const { z, teacher, queue } = sample(4, 16, 5);
    const shuffled = tf.gather(
      queue,
      tf.tensor1d(
        [...Array(16).keys()].map((i) => (7 * i + 3) % 16),
        'int32',
      ),
    );
    const student = l2Normalize(z);
    const { loss } = relational(student, teacher, queue, mild);
    expectClose(relational(student, teacher, shuffled, mild).loss, loss, 2e-6);
  });

  it('does not depend on the length of features before normalisation', () => {
    const { z, teacher, queue } = sample(4, 16, 5);
    const { loss } = relational(l2Normalize(z), teacher, queue, mild);
    const longer = l2Normalize(tf.mul<tf.Tensor2D>(z, 1000));
    expectClose(relational(longer, teacher, queue, mild).loss, loss, 2e-6);
  });

  it('gives the teacher and the queue no gradient', () => {
    const { z, teacher, queue } = sample(2, 4, 3);
    const student = l2Normalize(z);
    const toTeacher = (t: tf.Tensor) =>
      relational(student, t as tf.Tensor2D, queue, mild).loss;
    const toQueue = (q: tf.Tensor) =>
      relational(student, teacher, q as tf.Tensor2D, mild).loss;
    expect(() => tf.grad(toTeacher)(teacher)).toThrow();
    expect(() => tf.grad(toQueue)(queue)).toThrow();
  });

  it('has KL 0 and no gradient where the student is the teacher', () => {
    const { teacher, queue } = sample(3, 8, 4);
    const same = { studentTemperature: 0.1, teacherTemperature: 0.1 };
    const { value, grad } = tf.valueAndGrad(
      (x) => relational(x as tf.Tensor2D, teacher, queue, same).kl,
    )(teacher);
    expectClose(value, [0], 1e-6);
    expectClose(grad, new Float32Array(12), 1e-6);
  });

  it('stays finite at extreme temperatures and long queue rows', () => {
    const { z, teacher, queue } = sample(3, 8, 4);
    const sharp = { studentTemperature: 1e-4, teacherTemperature: 1e-4 };
    const far = tf.mul<tf.Tensor2D>(queue, 100);
    const { value, grad } = tf.valueAndGrad(
      (x) =>
        relational(l2Normalize(x as tf.Tensor2D), teacher, far, sharp, 3).loss,
    )(z);
    for (const number of [...value.dataSync(), ...grad.dataSync()]) {
      expect(Number.isFinite(number)).toBe(true);
    }
  });
});
