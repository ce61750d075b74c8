import {
  backend_util,
  type Conv2DAttrs,
  type Conv2DBackpropFilterAttrs,
  type Conv2DBackpropInputAttrs,
} from '@tensorflow/tfjs-core';
import type { Graph } from '../graph.js';
import { lowering, unsupported, type LoweringTable } from '../lowering.js';
import { materialize, range, viewOf, type View } from '../view.js';
import { concat, pad, slice } from './shapes.js';
import { matMul } from './matmul.js';

/** Memory order of NHWC tensors: N, C, H, W. */
export const nchw = [0, 3, 1, 2];

type Quad = [number, number, number, number];
type Geometry = backend_util.Conv2DInfo;

/** Sizes, strides and padding of a convolution, as TensorFlow.js has them. */
function geometryOf(
  inputShape: readonly number[],
  filterShape: readonly number[],
  attributes: Omit<Conv2DAttrs, 'dilations'> & {
    dilations?: Conv2DAttrs['dilations'];
  },
): Geometry {
  const { strides, pad: padding, dilations, dimRoundingMode } = attributes;
  if (attributes.dataFormat !== 'NHWC') {
    throw unsupported('Conv2D', `data format ${attributes.dataFormat}`);
  }
  return backend_util.computeConv2DInfo(
    [...inputShape] as Quad,
    [...filterShape] as Quad,
    strides,
    dilations ?? 1,
    padding as number,
    dimRoundingMode,
  );
}

function spatial(geometry: Geometry) {
  const { top, left, bottom, right } = geometry.padInfo;
  return {
    kernel_shape: [geometry.filterHeight, geometry.filterWidth],
    strides: [geometry.strideHeight, geometry.strideWidth],
    dilations: [geometry.dilationHeight, geometry.dilationWidth],
    pads: [top, left, bottom, right],
  };
}

/** y = x * filter; x [N, H, W, I], filter [h, w, I, O], y [N, H', W', O] */
function forward(graph: Graph, x: View, filter: View, geometry: Geometry) {
  const weights = materialize(graph, filter, [3, 2, 0, 1]); // [O, I, h, w]
  const name = graph.add('Conv', [materialize(graph, x, nchw), weights], {
    attributes: spatial(geometry),
  });
  return viewOf(name, x.type, geometry.outShape, nchw);
}

/** dx from dy. At stride 1 a convolution with the turned filter. */
function inputGradient(
  graph: Graph,
  dy: View,
  filter: View,
  geometry: Geometry,
): View {
  const { kernel_shape, strides, dilations, pads } = spatial(geometry);
  const dense = [...strides, ...dilations].every((n) => n === 1);
  const gradient = materialize(graph, dy, nchw);
  if (dense) {
    const turned = reversed(graph, materialize(graph, filter, [2, 3, 0, 1]));
    const margins = pads.map((n, i) => kernel_shape[i % 2]! - 1 - n);
    const name = graph.add('Conv', [gradient, turned], {
      attributes: { kernel_shape, strides, dilations, pads: margins },
    });
    return viewOf(name, dy.type, geometry.inShape, nchw);
  }
  const { inHeight, inWidth, outHeight, outWidth } = geometry;
  const covered = [outHeight, outWidth].map(
    (n, i) =>
      strides[i]! * (n - 1) +
      dilations[i]! * (kernel_shape[i]! - 1) +
      1 -
      pads[i]! -
      pads[i + 2]!,
  );
  const output_padding = [inHeight - covered[0]!, inWidth - covered[1]!];
  const weights = materialize(graph, filter, [3, 2, 0, 1]); // [O, I, h, w]
  const name = graph.add('ConvTranspose', [gradient, weights], {
    attributes: { kernel_shape, strides, dilations, pads, output_padding },
  });
  return viewOf(name, dy.type, geometry.inShape, nchw);
}

/** Rows and columns of [I, O, h, w] the other way round. */
function reversed(graph: Graph, name: string): string {
  const all = (value: number) => graph.integers([value, value]);
  const beforeAll = -(2 ** 31);
  return graph.add('Slice', [
    name,
    all(-1),
    all(beforeAll),
    graph.integers([2, 3]),
    all(-1),
  ]);
}

/**
 * dfilter from x and dy: for each position of the filter, the part of x that
 * it saw, times dy. Summed over the batch afterwards.
 */
function filterGradient(
  graph: Graph,
  x: View,
  dy: View,
  geometry: Geometry,
): View {
  const { filterHeight, filterWidth, inChannels, outChannels } = geometry;
  const pixels = geometry.outHeight * geometry.outWidth;
  const padded = padInput(graph, x, geometry);
  const seen = range(filterHeight).flatMap((row) =>
    range(filterWidth).map((column) =>
      seenFrom(graph, padded, row, column, geometry),
    ),
  );
  const taps = filterHeight * filterWidth;
  const columns = concat(graph, seen, 3); // [N, H', W', taps I]
  const left = matrix(graph, columns, taps * inChannels, pixels);
  const right = matrix(graph, dy, outChannels, pixels);
  const products = matMul(graph, left, right, false, true);
  const sum = graph.add('ReduceSum', [products.name, graph.integers([0])], {
    attributes: { keepdims: 0 },
  });
  const name = graph.reshape(sum, geometry.filterShape);
  return viewOf(name, x.type, geometry.filterShape);
}

/** An activation as a matrix [N, channels, pixels]. */
function matrix(graph: Graph, x: View, channels: number, pixels: number): View {
  const shape = [x.shape[0]!, channels, pixels];
  const name = graph.reshape(materialize(graph, x, nchw), shape);
  return viewOf(name, x.type, shape);
}

function padInput(graph: Graph, x: View, { padInfo }: Geometry): View {
  const { top, bottom, left, right } = padInfo;
  const activation = viewOf(materialize(graph, x, nchw), x.type, x.shape, nchw);
  if (top + bottom + left + right === 0) return activation;
  const margins = [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ] as const;
  return pad(graph, activation, margins, 0);
}

/** The pixels of x that the filter's element (row, column) was applied to. */
function seenFrom(
  graph: Graph,
  padded: View,
  row: number,
  column: number,
  geometry: Geometry,
): View {
  const { strideHeight, strideWidth, dilationHeight, dilationWidth } = geometry;
  const begin = [0, row * dilationHeight, column * dilationWidth, 0];
  const end = [
    padded.shape[0]!,
    begin[1]! + strideHeight * (geometry.outHeight - 1) + 1,
    begin[2]! + strideWidth * (geometry.outWidth - 1) + 1,
    padded.shape[3]!,
  ];
  return slice(graph, padded, begin, end, [1, strideHeight, strideWidth, 1]);
}

export const convolutions: LoweringTable = {
  Conv2D: lowering<'x' | 'filter', Conv2DAttrs>(
    (graph, { x, filter }, attributes) => {
      const geometry = geometryOf(x.shape, filter.shape, attributes);
      return forward(graph, x, filter, geometry);
    },
  ),
  Conv2DBackpropInput: lowering<'dy' | 'filter', Conv2DBackpropInputAttrs>(
    (graph, { dy, filter }, attributes) => {
      const { inputShape } = attributes;
      const geometry = geometryOf(inputShape, filter.shape, attributes);
      return inputGradient(graph, dy, filter, geometry);
    },
  ),
  Conv2DBackpropFilter: lowering<'x' | 'dy', Conv2DBackpropFilterAttrs>(
    (graph, { x, dy }, attributes) => {
      const geometry = geometryOf(x.shape, attributes.filterShape, attributes);
      return filterGradient(graph, x, dy, geometry);
    },
  ),
};
