import type { Conv2DBackpropFilterAttrs } from '@tensorflow/tfjs-core';
import type { Graph } from '../graph.js';
import { lowering, type LoweringTable } from '../lowering.js';
import { materialize, viewOf, type View } from '../view.js';
import {
  geometryOf,
  reach,
  withoutPadding,
  type Geometry,
} from './geometry.js';
import { slice } from './shapes.js';

/**
 * dfilter from x and dy, as a convolution whose filter is dy and whose channels
 * are the samples. In NHWC a row of x is W I numbers, and the filter's element
 * (w, i) saw the row from w I + i on: so (w, i) is one axis of W I positions,
 * and what is copied on the way are long runs, once for all of the batch.
 */
function filterGradient(
  graph: Graph,
  given: View,
  dy: View,
  whole: Geometry,
): View {
  const [padded, geometry] = withoutPadding(graph, given, whole);
  const x = seen(graph, padded, geometry);
  const [batch, height, width, channels] = x.shape as [
    number,
    number,
    number,
    number,
  ];
  const { strides, dilations, pads, to } = geometry;
  const rows = [1, batch, height, width * channels];
  const filter = materialize(graph, dy, [3, 0, 1, 2]); // [O, N, H', W']
  const sums = graph.add(
    'Conv',
    [graph.reshape(materialize(graph, x), rows), filter],
    {
      attributes: {
        kernel_shape: [to[1], to[2]],
        strides: [1, 1],
        dilations: [strides[0], strides[1] * channels],
        pads: pads.map((n, i) => (i % 2 ? n * channels : n)),
      },
    },
  );
  const [h, w] = geometry.kernel_shape.map(
    (size, side) => dilations[side]! * (size - 1) + 1,
  ) as [number, number];
  const value = graph.reshape(sums, [to[3], h, w, channels]);
  const shape = [h, w, channels, to[3]];
  const found = viewOf(value, x.type, shape, [3, 0, 1, 2]);
  const steps = [...dilations, 1, 1];
  return slice(graph, found, [0, 0, 0, 0], shape, steps);
}

/** x without rows and columns at the end that the filter never reached. */
export function seen(graph: Graph, x: View, geometry: Geometry): View {
  const [top, left] = geometry.pads;
  const end = [
    x.shape[0]!,
    Math.min(x.shape[1]!, reach(geometry, 0) - top),
    Math.min(x.shape[2]!, reach(geometry, 1) - left),
    x.shape[3]!,
  ];
  return slice(graph, x, [0, 0, 0, 0], end);
}

export const filterGradients: LoweringTable = {
  Conv2DBackpropFilter: lowering<'x' | 'dy', Conv2DBackpropFilterAttrs>(
    (graph, { x, dy }, attributes) => {
      const geometry = geometryOf(x.shape, attributes.filterShape, attributes);
      return filterGradient(graph, x, dy, geometry);
    },
  ),
};
