import {
  backend_util,
  type Conv2DAttrs,
  type Conv2DBackpropFilterAttrs,
  type Conv2DBackpropInputAttrs,
} from '@tensorflow/tfjs-core';
import type { Graph } from '../graph.js';
import { lowering, unsupported, type LoweringTable } from '../lowering.js';
import { materialize, viewOf, type View } from '../view.js';
import { slice } from './shapes.js';

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
 * dfilter from x and dy, as a convolution whose filter is dy and whose channels
 * are the samples. In NHWC a row of x is W I numbers, and the filter's element
 * (w, i) saw the row from w I + i on: so (w, i) is one axis of W I positions,
 * and what is copied on the way are long runs, once for all of the batch.
 */
function filterGradient(
  graph: Graph,
  x: View,
  dy: View,
  geometry: Geometry,
): View {
  const { batchSize, inHeight, inWidth, inChannels, outChannels } = geometry;
  const { kernel_shape, strides, dilations, pads } = spatial(geometry);
  const [top, left, bottom, right] = pads as Quad;
  const rows = graph.reshape(materialize(graph, x), [
    1,
    batchSize,
    inHeight,
    inWidth * inChannels,
  ]);
  const filter = materialize(graph, dy, [3, 0, 1, 2]); // [O, N, H', W']
  const sums = graph.add('Conv', [rows, filter], {
    attributes: {
      kernel_shape: [geometry.outHeight, geometry.outWidth],
      strides: [1, 1],
      dilations: [strides[0]!, strides[1]! * inChannels],
      pads: [top, left * inChannels, bottom, right * inChannels],
    },
  });
  // Positions that x has room for: at least those of the filter's elements.
  const room = [
    inHeight + top + bottom - strides[0]! * (geometry.outHeight - 1),
    inWidth + left + right - strides[1]! * (geometry.outWidth - 1),
  ] as const;
  const found = viewOf(
    graph.reshape(sums, [outChannels, ...room, inChannels]),
    x.type,
    [...room, inChannels, outChannels],
    [3, 0, 1, 2],
  );
  const ends = kernel_shape.map((size, i) => dilations[i]! * (size - 1) + 1);
  return slice(
    graph,
    found,
    [0, 0, 0, 0],
    [...ends, inChannels, outChannels],
    [...dilations, 1, 1],
  );
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
