import type { Conv2DAttrs } from '@tensorflow/tfjs-core';
import type {
  FilterGradientAttributes,
  ConvAttributes,
  InputGradientAttributes,
} from '#distill/ops/conv-kernel.js';
import {
  addBlocked,
  blocked,
  blockedView,
  blockFilter,
  nchw,
  nchwDims,
} from '../blocked.js';
import type { Graph } from '../graph.js';
import { lowering, type LoweringTable } from '../lowering.js';
import { materialize, reshape, transpose, viewOf, type View } from '../view.js';
import { seen } from './filter-gradient.js';
import {
  geometryOf,
  spatial,
  withoutPadding,
  type Geometry,
} from './geometry.js';
import { isDense, margins, reversed, transposed } from './input-gradient.js';

type Shape4D = readonly [number, number, number, number];

/** The same as attributes of TensorFlow.js' convolution. */
function plain(attributes: ConvAttributes): Conv2DAttrs {
  const { strides, pad } = attributes;
  return { strides: [strides, strides], pad, dataFormat: 'NHWC', dilations: 1 };
}

/**
 * A grouped convolution; a depthwise one in blocked layout where its channels
 * fill blocks.
 * @param weights the value of a filter [O, I / groups, h, w]
 */
function convolve(
  graph: Graph,
  x: View,
  weights: string,
  geometry: Geometry,
  group: number,
): View {
  const { from, to, kernel_shape } = geometry;
  const attributes = { ...spatial(geometry), group };
  const { blockSize } = graph;
  const depthwise = group === from[3] && group === to[3];
  if (blockSize === undefined || group % blockSize || !depthwise) {
    const name = graph.add('Conv', [materialize(graph, x, nchw), weights], {
      attributes,
    });
    return viewOf(name, x.type, to, nchw);
  }
  const filter = blockFilter(graph, weights, [group, 1, ...kernel_shape]);
  const image = graph.reshape(materialize(graph, x, blocked), nchwDims(from));
  const name = addBlocked(graph, 'Conv', [image, filter], attributes);
  return blockedView(graph, name, to);
}

/** dx from dy. At stride 1 a convolution with each group's filter turned. */
function inputGradient(
  graph: Graph,
  dy: View,
  filter: View,
  geometry: Geometry,
): View {
  const [height, width, perGroup, outputs] = filter.shape as Shape4D;
  const groups = geometry.from[3] / perGroup;
  if (!isDense(geometry)) {
    return transposed(graph, dy, filter, geometry, groups);
  }
  const split = [height, width, perGroup, groups, outputs / groups];
  const swapped = transpose(graph, reshape(graph, filter, split), [
    ...[3, 2, 4, 0, 1],
  ]); // [groups, I / groups, O / groups, h, w]
  const dims = [geometry.from[3], outputs / groups, height, width];
  const turned = reversed(
    graph,
    materialize(graph, reshape(graph, swapped, dims)),
  );
  const { from: to, to: from } = geometry;
  const pads = margins(geometry);
  return convolve(graph, dy, turned, { ...geometry, from, to, pads }, groups);
}

/**
 * dfilter from x and dy, as a convolution of the same groups: the samples are
 * its channels, dy its filter, and the channels of a group its batch.
 */
function filterGradient(
  graph: Graph,
  given: View,
  dy: View,
  filterShape: Shape4D,
  whole: Geometry,
): View {
  const [height, width, perGroup, outputs] = filterShape;
  const [padded, geometry] = withoutPadding(graph, given, whole);
  const x = seen(graph, padded, geometry);
  const [batch, rows, columns, channels] = x.shape as Shape4D;
  const group = channels / perGroup;
  const images = reshape(
    graph,
    transpose(
      graph,
      reshape(graph, x, [batch, rows, columns, group, perGroup]),
      [4, 3, 0, 1, 2],
    ),
    [perGroup, group * batch, rows, columns],
  );
  const filter = materialize(graph, dy, [3, 0, 1, 2]); // [O, N, H', W']
  const name = graph.add('Conv', [materialize(graph, images), filter], {
    attributes: {
      kernel_shape: [geometry.to[1], geometry.to[2]],
      strides: [1, 1],
      dilations: geometry.strides,
      pads: geometry.pads,
      group,
    },
  }); // [I / groups, O, h, w]
  return viewOf(name, x.type, [height, width, perGroup, outputs], [2, 3, 0, 1]);
}

export const groupedConvolutions: LoweringTable = {
  GroupedConv: lowering<'x' | 'filter', ConvAttributes>(
    (graph, { x, filter }, attributes) => {
      const whole = geometryOf(x.shape, filter.shape, plain(attributes));
      const [image, geometry] = withoutPadding(graph, x, whole);
      const weights = materialize(graph, filter, [3, 2, 0, 1]);
      const groups = x.shape[3]! / filter.shape[2]!;
      return [convolve(graph, image, weights, geometry, groups)];
    },
  ),
  GroupedConvInputGrad: lowering<'dy' | 'filter', InputGradientAttributes>(
    (graph, { dy, filter }, attributes) => {
      const { inputShape } = attributes;
      const how = plain(attributes);
      const geometry = geometryOf(inputShape, filter.shape, how);
      return [inputGradient(graph, dy, filter, geometry)];
    },
  ),
  GroupedConvFilterGrad: lowering<'x' | 'dy', FilterGradientAttributes>(
    (graph, { x, dy }, attributes) => {
      const { filterShape } = attributes;
      const geometry = geometryOf(x.shape, filterShape, plain(attributes));
      return [filterGradient(graph, x, dy, filterShape, geometry)];
    },
  ),
};
