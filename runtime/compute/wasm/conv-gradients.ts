import * as tf from '@tensorflow/tfjs-core';

/** The attributes of a convolution that its gradients depend on. */
export interface ConvAttributes {
  readonly strides: number | [number, number];
  readonly pad: 'valid' | 'same' | number;
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

type Shape4D = [number, number, number, number];

/** How a convolution reads one spatial axis of its input. */
interface Axis {
  readonly stride: number;
  /** The filter's size. */
  readonly taps: number;
  readonly inputSize: number;
  readonly outputSize: number;
  /** Zeros before the first input. */
  readonly before: number;
}

// The backend runs only forward convolutions fast (XNNPACK), so both gradients
// are made of these. Layout NHWC, filters [height, width, in, out].

/**
 * The gradient by the filter: a convolution with batch and channels swapped.
 * Input channels become the batch, samples the channels, dy the filter, and
 * the stride its dilation.
 *
 * @param x [N, H, W, in]
 * @param dy [N, H', W', out]
 * @returns [height, width, in, out]
 */
export function filterGradient(
  x: tf.Tensor4D,
  dy: tf.Tensor4D,
  filterShape: Shape4D,
  attributes: ConvAttributes,
): tf.Tensor4D {
  const axes = axesOf(x.shape, filterShape, attributes);
  const strides = axes.map(({ stride }) => stride) as [number, number];
  if (axes.every(({ taps }) => taps === 1)) {
    // A pool over single pixels is the fastest way to take every other one.
    return pointFilterGradient(tf.avgPool(x, 1, strides, 'valid'), dy);
  }
  const [rows, columns] = axes.map(readBy) as [Read, Read];
  const read = crop(x, 0, 0, rows.size, columns.size);
  const images = tf.transpose(read, [3, 1, 2, 0]); // [in, H, W, N]
  const filter = tf.transpose(dy, [1, 2, 0, 3]); // [H', W', N, out]
  const pad = explicit(rows, columns);
  const taps = tf.conv2d(images, filter, 1, pad, 'NHWC', strides);
  return tf.transpose(taps, [1, 2, 0, 3]); // from [in, height, width, out]
}

/** The same for a 1x1 filter at stride 1: one matrix product. */
function pointFilterGradient(x: tf.Tensor4D, dy: tf.Tensor4D): tf.Tensor4D {
  const [input, output] = [x.shape[3], dy.shape[3]];
  const gradient = tf.matMul(
    tf.reshape(x, [-1, input]),
    tf.reshape(dy, [-1, output]),
    true,
  );
  return tf.reshape(gradient, [1, 1, input, output]);
}

interface Read {
  /** Inputs that are read; a stride may leave the last ones out. */
  readonly size: number;
  readonly before: number;
  readonly after: number;
}

function readBy(axis: Axis): Read {
  const { stride, taps, inputSize, outputSize, before } = axis;
  const span = stride * (outputSize - 1) + taps;
  const size = Math.min(inputSize, span - before);
  return { size, before, after: span - before - size };
}

/**
 * The gradient by the input. Its pixels fall into stride x stride phases, each
 * of which sees only every stride-th tap: one convolution of dy by a filter of
 * ceil(taps / stride) taps makes all phases as groups of channels, which are
 * then interleaved.
 *
 * @param dy [N, H', W', out]
 * @param filter [height, width, in, out]
 * @returns [N, H, W, in]
 */
export function inputGradient(
  dy: tf.Tensor4D,
  filter: tf.Tensor4D,
  inputShape: Shape4D,
  attributes: ConvAttributes,
): tf.Tensor4D {
  const axes = axesOf(inputShape, filter.shape, attributes);
  const [rows, columns] = axes.map(phasesOf) as [Phases, Phases];
  const pad = explicit(rows, columns);
  const phases = tf.conv2d(dy, phaseFilter(filter, rows, columns), 1, pad);
  const pixels = interleave(phases, rows.stride, columns.stride);
  const [, height, width] = inputShape;
  return crop(pixels, rows.skip, columns.skip, height, width);
}

interface Phases {
  readonly stride: number;
  /** Taps of one phase. */
  readonly taps: number;
  /** Taps of the filter when filled up with zeros. */
  readonly filledTaps: number;
  readonly missingTaps: number;
  /** Zeros around dy. */
  readonly before: number;
  readonly after: number;
  /** Interleaved pixels before the first one of the input. */
  readonly skip: number;
}

function phasesOf(axis: Axis): Phases {
  const { stride, inputSize, outputSize, before } = axis;
  const taps = Math.ceil(axis.taps / stride);
  const first = Math.floor(before / stride);
  return {
    stride,
    taps,
    filledTaps: taps * stride,
    missingTaps: taps * stride - axis.taps,
    before: taps - 1 - first,
    after: Math.ceil((before + inputSize) / stride) - outputSize,
    skip: before - first * stride,
  };
}

/** From [height, width, in, out] to [taps, taps, out, phases * in], flipped. */
function phaseFilter(
  filter: tf.Tensor4D,
  rows: Phases,
  columns: Phases,
): tf.Tensor4D {
  const [, , input, output] = filter.shape;
  const missing = [rows.missingTaps, columns.missingTaps, 0, 0];
  const filled = tf.pad(
    filter,
    missing.map((count) => [0, count] as [number, number]),
  );
  const { stride: height } = rows;
  const { stride: width } = columns;
  const byPhase = tf.transpose(
    tf.reshape(filled, [rows.taps, height, columns.taps, width, input, output]),
    [0, 2, 5, 1, 3, 4],
  ); // [taps, taps, out, height, width, in]
  const shape: Shape4D = [
    rows.taps,
    columns.taps,
    output,
    height * width * input,
  ];
  return tf.reverse(tf.reshape(byPhase, shape), [0, 1]);
}

/** From [N, H, W, height * width * C] to [N, H * height, W * width, C]. */
function interleave(
  x: tf.Tensor4D,
  height: number,
  width: number,
): tf.Tensor4D {
  if (height === 1 && width === 1) return x;
  const [samples, rows, columns, channels] = x.shape;
  const row = (channels / height) | 0; // a pixel's neighbours in one row
  const split = tf.reshape(x, [samples * rows, columns, height, row]);
  const shape: Shape4D = [samples, rows * height, columns * width, row / width];
  return tf.reshape(tf.transpose(split, [0, 2, 1, 3]), shape);
}

function crop(
  x: tf.Tensor4D,
  top: number,
  left: number,
  height: number,
  width: number,
): tf.Tensor4D {
  if (height === x.shape[1] && width === x.shape[2]) return x;
  return tf.slice(x, [0, top, left, 0], [-1, height, width, -1]);
}

function explicit(
  rows: Pick<Read, 'before' | 'after'>,
  columns: Pick<Read, 'before' | 'after'>,
): tf.backend_util.ExplicitPadding {
  return [
    [0, 0],
    [rows.before, rows.after],
    [columns.before, columns.after],
    [0, 0],
  ];
}

export function axesOf(
  inputShape: Shape4D,
  filterShape: Shape4D,
  { strides, pad, dimRoundingMode }: ConvAttributes,
): [Axis, Axis] {
  const info = tf.backend_util.computeConv2DInfo(
    inputShape,
    filterShape,
    strides,
    1,
    pad,
    dimRoundingMode,
  );
  const rows = {
    stride: info.strideHeight,
    taps: info.filterHeight,
    inputSize: info.inHeight,
    outputSize: info.outHeight,
    before: info.padInfo.top,
  };
  const columns = {
    stride: info.strideWidth,
    taps: info.filterWidth,
    inputSize: info.inWidth,
    outputSize: info.outWidth,
    before: info.padInfo.left,
  };
  return [rows, columns];
}
