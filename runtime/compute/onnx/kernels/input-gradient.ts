import type { Conv2DBackpropInputAttrs } from '@tensorflow/tfjs-core';
import { nchw } from '../blocked.js';
import type { Graph } from '../graph.js';
import { lowering, type LoweringTable } from '../lowering.js';
import { materialize, viewOf, type View } from '../view.js';
import { convolve } from './convolve.js';
import {
  geometryOf,
  reach,
  spatial,
  type Geometry,
  type Quad,
} from './geometry.js';

/** dx from dy. At stride 1 a convolution with the turned filter. */
function inputGradient(
  graph: Graph,
  dy: View,
  filter: View,
  geometry: Geometry,
): View {
  if (!isDense(geometry)) return transposed(graph, dy, filter, geometry, 1);
  const turned = reversed(graph, materialize(graph, filter, [2, 3, 0, 1]));
  const { from: to, to: from } = geometry;
  const pads = margins(geometry);
  return convolve(graph, dy, turned, { ...geometry, from, to, pads });
}

/** Neither stride nor dilation. */
export function isDense({ strides, dilations }: Geometry): boolean {
  return [...strides, ...dilations].every((n) => n === 1);
}

/** The padding of dy from which a turned filter makes all of dx. */
export function margins({ kernel_shape, pads }: Geometry): Quad {
  const margin = (i: 0 | 1 | 2 | 3) => kernel_shape[i % 2]! - 1 - pads[i];
  return [margin(0), margin(1), margin(2), margin(3)];
}

/** Rows and columns of [I, O, h, w] the other way round. */
export function reversed(graph: Graph, name: string): string {
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

/** Any stride and dilation, in the standard layout. */
export function transposed(
  graph: Graph,
  dy: View,
  filter: View,
  geometry: Geometry,
  group: number,
): View {
  const { from, pads } = geometry;
  const missed = ([0, 1] as const).map(
    (side) =>
      from[side + 1]! + pads[side] + pads[side + 2]! - reach(geometry, side),
  );
  const gradient = materialize(graph, dy, nchw);
  const weights = materialize(graph, filter, [3, 2, 0, 1]); // [O, I, h, w]
  const name = graph.add('ConvTranspose', [gradient, weights], {
    attributes: { ...spatial(geometry), output_padding: missed, group },
  });
  return viewOf(name, dy.type, from, nchw);
}

export const inputGradients: LoweringTable = {
  Conv2DBackpropInput: lowering<'dy' | 'filter', Conv2DBackpropInputAttrs>(
    (graph, { dy, filter }, attributes) => {
      const { inputShape } = attributes;
      const geometry = geometryOf(inputShape, filter.shape, attributes);
      return inputGradient(graph, dy, filter, geometry);
    },
  ),
};
