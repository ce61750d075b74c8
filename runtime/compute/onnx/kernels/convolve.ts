import {
  addBlocked,
  blocked,
  blockedView,
  blockFilter,
  canBlock,
  nchw,
  nchwDims,
} from '../blocked.js';
import type { Graph } from '../graph.js';
import { materialize, viewOf, type View } from '../view.js';
import { spatial, type Geometry } from './geometry.js';

/**
 * A convolution in the layout that is fastest for its channels.
 * @param weights the value of a filter [O, I, h, w]
 */
export function convolve(
  graph: Graph,
  x: View,
  weights: string,
  geometry: Geometry,
): View {
  const { from, to, kernel_shape } = geometry;
  const [inputs, outputs] = [from[3], to[3]];
  if (!canBlock(graph, inputs, outputs)) {
    const name = graph.add('Conv', [materialize(graph, x, nchw), weights], {
      attributes: spatial(geometry),
    });
    return viewOf(name, x.type, to, nchw);
  }
  const dims = [outputs, inputs, ...kernel_shape] as const;
  const filter = blockFilter(graph, weights, dims);
  const image =
    inputs < graph.blockSize!
      ? materialize(graph, x, nchw)
      : graph.reshape(materialize(graph, x, blocked), nchwDims(from));
  const attributes = { ...spatial(geometry), group: 1 };
  const name = addBlocked(graph, 'Conv', [image, filter], attributes);
  return blockedView(graph, name, to);
}
