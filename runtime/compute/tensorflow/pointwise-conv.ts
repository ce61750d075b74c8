import { existsSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';

/**
 * oneDNN 3.7, which TensorFlow 2.21 brings, plans its 1 x 1 convolutions by the
 * sizes of the caches. Where a virtual machine hides those (as one on an AMD EPYC
 * of family 26 did), some shapes divide by zero, which ends the process, and some
 * give wrong gradients. There they are products of matrices, which are right.
 */
export function hidesCaches(): boolean {
  const linux = '/sys/devices/system/cpu/cpu0';
  return existsSync(linux) && !existsSync(`${linux}/cache/index0`);
}

export function isPointwise([height, width]: readonly number[]): boolean {
  return height === 1 && width === 1;
}

type Shape = readonly number[];

/** y [N, H', W', out] of x [N, H, W, in] and a filter [1, 1, in, out] */
function pointwiseConv(
  x: tf.Tensor,
  filter: tf.Tensor,
  stride: number,
): tf.Tensor {
  const seen = everyNth(x, stride);
  const y = tf.matMul(asRows(seen), asMatrix(filter));
  return tf.reshape(y, [...seen.shape.slice(0, 3), filter.shape[3]!]);
}

/** dx */
function pointwiseInputGradient(
  dy: tf.Tensor,
  filter: tf.Tensor,
  stride: number,
  inputShape: Shape,
): tf.Tensor {
  const [count, height, width, inputs] = inputShape as tf.Tensor4D['shape'];
  const [, h, w] = dy.shape as tf.Tensor4D['shape'];
  const rows = tf.matMul(asRows(dy), asMatrix(filter), false, true);
  if (stride === 1) return tf.reshape(rows, [...inputShape]);
  const none: [number, number] = [0, 0];
  const after: [number, number] = [0, stride - 1];
  const spread = tf.pad(tf.reshape(rows, [count, h, 1, w, 1, inputs]), [
    ...[none, none, after, none, after, none],
  ]);
  const all = tf.reshape(spread, [count, h * stride, w * stride, inputs]);
  return tf.slice(all, 0, [count, height, width, inputs]);
}

/** dfilter */
function pointwiseFilterGradient(
  x: tf.Tensor,
  dy: tf.Tensor,
  stride: number,
  filterShape: Shape,
): tf.Tensor {
  const seen = everyNth(x, stride);
  const product = tf.matMul(asRows(seen), asRows(dy), true, false);
  return tf.reshape(product, [...filterShape]);
}

function everyNth(x: tf.Tensor, stride: number): tf.Tensor {
  if (stride === 1) return x;
  const steps = [1, stride, stride, 1];
  return tf.stridedSlice(x, [0, 0, 0, 0], x.shape, steps);
}

function asRows(x: tf.Tensor): tf.Tensor2D {
  return tf.reshape(x, [-1, x.shape.at(-1)!]);
}

function asMatrix(filter: tf.Tensor): tf.Tensor2D {
  const [, , inputs, outputs] = filter.shape as tf.Tensor4D['shape'];
  return tf.reshape(filter, [inputs, outputs]);
}

interface ConvAttributes {
  readonly strides: number | readonly [number, number];
  readonly inputShape: Shape;
  readonly filterShape: Shape;
}

/** Takes the 1 x 1 ones from the backend's kernels of convolutions. */
export function replacePointwiseConvs(): void {
  replace('Conv2D', ({ x, filter }, { strides }) =>
    isPointwise(filter!.shape)
      ? pointwiseConv(x!, filter!, strideOf(strides))
      : undefined,
  );
  replace('Conv2DBackpropInput', ({ dy, filter }, { strides, inputShape }) =>
    isPointwise(filter!.shape)
      ? pointwiseInputGradient(dy!, filter!, strideOf(strides), inputShape)
      : undefined,
  );
  replace('Conv2DBackpropFilter', ({ x, dy }, { strides, filterShape }) =>
    isPointwise(filterShape)
      ? pointwiseFilterGradient(x!, dy!, strideOf(strides), filterShape)
      : undefined,
  );
}

function strideOf(strides: ConvAttributes['strides']): number {
  return typeof strides === 'number' ? strides : strides[0];
}

function replace(
  kernelName: string,
  compute: (
    inputs: Readonly<Record<string, tf.Tensor>>,
    attributes: ConvAttributes,
  ) => tf.Tensor | undefined,
): void {
  const backendName = 'tensorflow';
  const own = tf.getKernel(kernelName, backendName);
  tf.unregisterKernel(kernelName, backendName);
  tf.registerKernel({
    kernelName,
    backendName,
    kernelFunc(given) {
      const attributes = given.attrs as unknown as ConvAttributes;
      const inputs = given.inputs as Record<string, tf.Tensor>;
      const [result] = tf.tidy(() => {
        const product = compute(inputs, attributes);
        return product ? [product] : [];
      });
      return result ?? own.kernelFunc(given);
    },
  });
}
