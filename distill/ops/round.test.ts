import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import '../testing/numeric.js';
import { roundRows } from '../precision.js';
import { roundToBfloat16 } from './round.js';

const value = fc
  .float({ noNaN: true, noDefaultInfinity: true })
  .filter(
    (x) => Math.abs(x) < 2 ** 110 && (x === 0 || Math.abs(x) > 2 ** -100),
  );

it('rounds to the nearest, as integers do', () => {
  fc.assert(
    fc.property(fc.array(value, { minLength: 1 }), (values) => {
      const rounded = tf.tidy(() =>
        roundToBfloat16(tf.tensor1d(values)).dataSync(),
      );
      const expected = roundRows(Float32Array.from(values), 'bfloat16');
      for (const [i, x] of values.entries()) {
        // Of two that are equally near it may be the other.
        const miss = Math.abs(rounded[i]! - x);
        expect(miss).toBe(Math.abs(expected[i]! - x));
        const bits = new Uint32Array(rounded.slice(i, i + 1).buffer)[0]!;
        expect(bits & 0xffff).toBe(0);
      }
    }),
  );
});
