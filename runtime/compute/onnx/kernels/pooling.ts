import {
  backend_util,
  type AvgPoolAttrs,
  type MaxPoolAttrs,
} from '@tensorflow/tfjs-core';
import { sizeOf } from '#distill/tensors.js';
import { nchw } from '../blocked.js';
import type { Graph } from '../graph.js';
import { lowering, type LoweringTable } from '../lowering.js';
import { broadcast, materialize, viewOf, type View } from '../view.js';
import { multiply, scalar } from './elementwise.js';
import { imageMean } from './reductions.js';

type PoolAttrs = Pick<
  MaxPoolAttrs,
  'filterSize' | 'strides' | 'pad' | 'dimRoundingMode'
>;
type Geometry = backend_util.Conv2DInfo;

function geometryOf(x: View, attributes: PoolAttrs): Geometry {
  return backend_util.computePool2DInfo(
    [...x.shape] as [number, number, number, number],
    attributes.filterSize,
    attributes.strides,
    1,
    attributes.pad,
    attributes.dimRoundingMode,
  );
}

function windows(geometry: Geometry) {
  const { top, left, bottom, right } = geometry.padInfo;
  return {
    kernel_shape: [geometry.filterHeight, geometry.filterWidth],
    strides: [geometry.strideHeight, geometry.strideWidth],
    pads: [top, left, bottom, right],
  };
}

/** One window that sees everything. */
function isGlobal(geometry: Geometry): boolean {
  return (
    geometry.filterHeight === geometry.inHeight &&
    geometry.filterWidth === geometry.inWidth &&
    geometry.outHeight * geometry.outWidth === 1 &&
    windows(geometry).pads.every((n) => n === 0)
  );
}

function averagePool(graph: Graph, x: View, geometry: Geometry): View {
  if (isGlobal(geometry)) return imageMean(graph, x);
  const name = graph.add('AveragePool', [materialize(graph, x, nchw)], {
    attributes: windows(geometry),
  });
  return viewOf(name, x.type, geometry.outShape, nchw);
}

/** Hands each dy back to its window in equal shares. */
function averagePoolGradient(graph: Graph, dy: View, geometry: Geometry): View {
  const { filterHeight, filterWidth, inShape, inChannels } = geometry;
  if (isGlobal(geometry)) {
    const share = scalar(graph, 1 / (filterHeight * filterWidth), dy);
    return broadcast(graph, multiply(graph, dy, share), inShape);
  }
  const counts = windowCounts(graph, geometry);
  const shares = graph.add('Div', [materialize(graph, dy, nchw), counts]);
  const ones = [inChannels, 1, filterHeight, filterWidth];
  const filter = graph.constant(
    'float32',
    ones,
    new Float32Array(sizeOf(ones)).fill(1),
  );
  const name = graph.add('ConvTranspose', [shares, filter], {
    attributes: {
      ...windows(geometry),
      group: inChannels,
      output_padding: uncovered(geometry),
    },
  });
  return viewOf(name, dy.type, inShape, nchw);
}

/** Rows and columns at the end that no window reaches. */
function uncovered(geometry: Geometry): number[] {
  const { kernel_shape, strides, pads } = windows(geometry);
  const { inHeight, inWidth, outHeight, outWidth } = geometry;
  return [
    [inHeight, outHeight],
    [inWidth, outWidth],
  ].map(
    ([from, to], i) =>
      from! +
      pads[i]! +
      pads[i + 2]! -
      strides[i]! * (to! - 1) -
      kernel_shape[i]!,
  );
}

/** How many real pixels each window has: fewer at a padded border. */
function windowCounts(graph: Graph, geometry: Geometry): string {
  const { outHeight, outWidth, inHeight, inWidth } = geometry;
  const { kernel_shape, strides, pads } = windows(geometry);
  const along = (side: 0 | 1, length: number, input: number) =>
    Array.from({ length }, (_, i) => {
      const start = i * strides[side]! - pads[side]!;
      return Math.min(start + kernel_shape[side]!, input) - Math.max(start, 0);
    });
  const columns = along(1, outWidth, inWidth);
  const counts = along(0, outHeight, inHeight).flatMap((row) =>
    columns.map((column) => row * column),
  );
  return graph.constant('float32', [outHeight, outWidth], counts);
}

function maxPool(graph: Graph, x: View, geometry: Geometry): View {
  const name = graph.add('MaxPool', [materialize(graph, x, nchw)], {
    attributes: windows(geometry),
  });
  return viewOf(name, x.type, geometry.outShape, nchw);
}

/** Hands each dy to the first largest pixel of its window. */
function maxPoolGradient(
  graph: Graph,
  dy: View,
  input: View,
  geometry: Geometry,
): View {
  const [, indices] = graph.addNode(
    'MaxPool',
    [materialize(graph, input, nchw)],
    { attributes: windows(geometry), outputs: 2 },
  );
  const size = sizeOf(geometry.inShape);
  const zeros = graph.add('Expand', [
    graph.constant('float32', [1], [0]),
    graph.integers([size]),
  ]);
  const flat = graph.add(
    'ScatterElements',
    [
      zeros,
      graph.reshape(indices!, [-1]),
      graph.reshape(materialize(graph, dy, nchw), [-1]),
    ],
    { attributes: { reduction: 'add' } },
  );
  const dims = nchw.map((axis) => geometry.inShape[axis]!);
  const name = graph.reshape(flat, dims);
  return viewOf(name, dy.type, geometry.inShape, nchw);
}

export const poolings: LoweringTable = {
  AvgPool: lowering<'x', AvgPoolAttrs>((graph, { x }, attributes) =>
    averagePool(graph, x, geometryOf(x, attributes)),
  ),
  AvgPoolGrad: lowering<'dy' | 'input', AvgPoolAttrs>(
    (graph, { dy, input }, attributes) =>
      averagePoolGradient(graph, dy, geometryOf(input, attributes)),
  ),
  MaxPool: lowering<'x', MaxPoolAttrs>((graph, { x }, attributes) =>
    maxPool(graph, x, geometryOf(x, attributes)),
  ),
  MaxPoolGrad: lowering<'dy' | 'input', MaxPoolAttrs>(
    (graph, { dy, input }, attributes) =>
      maxPoolGradient(graph, dy, input, geometryOf(input, attributes)),
  ),
};
