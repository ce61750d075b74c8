import * as tf from '@tensorflow/tfjs-core';
import { convPrecision } from './autocast.js';
import { bfloat16Conv } from './bfloat16-conv.js';
import { filterOf } from './filter-layout.js';
import { groupedConv } from './grouped-conv.js';

/**
 * A square convolution without bias, padded with (size - 1) / 2 zeros on every
 * side, as torch's nn.Conv2d(padding = (size - 1) / 2). As many channels as a
 * weight has, of the input's, are a group. One of a single group is in the
 * precision of `autocast`.
 *
 * At stride 2 the padding is explicit: `same` would pad one side only.
 *
 * @param x [N, H, W, in]
 * @param weight [out, in / groups, size, size] with an odd size
 * @returns [N, ceil(H / stride), ceil(W / stride), out]
 */
export function conv(
  x: tf.Tensor4D,
  weight: tf.Tensor,
  stride: 1 | 2 = 1,
): tf.Tensor4D {
  const kernel = filterOf(weight); // [h, w, in / groups, out]
  const margin = (kernel.shape[0] - 1) / 2;
  if (stride === 1) return convolve(x, kernel, 1, 'same');
  const both: [number, number] = [margin, margin];
  const padded = margin ? tf.pad4d(x, [[0, 0], both, both, [0, 0]]) : x;
  return convolve(padded, kernel, stride, 'valid');
}

function convolve(
  x: tf.Tensor4D,
  kernel: tf.Tensor4D,
  strides: number,
  pad: 'same' | 'valid',
): tf.Tensor4D {
  if (kernel.shape[2] !== x.shape[3])
    return groupedConv(x, kernel, { strides, pad });
  return convPrecision() === 'bfloat16'
    ? bfloat16Conv(x, kernel, { strides, pad })
    : tf.conv2d(x, kernel, strides, pad);
}
