import type {
  ArgMaxAttrs,
  MaxAttrs,
  SoftmaxAttrs,
  SumAttrs,
} from '@tensorflow/tfjs-core';
import { util } from '@tensorflow/tfjs-core';
import { sizeOf } from '#distill/tensors.js';
import {
  addBlocked,
  blockedValue,
  isBlocked,
  isFull,
  nchw,
} from '../blocked.js';
import type { Graph } from '../graph.js';
import { lowering, type Lowering, type LoweringTable } from '../lowering.js';
import { materialize, range, reshape, viewOf, type View } from '../view.js';
import { cast } from './arithmetic.js';
import { multiply, scalar } from './elementwise.js';

/** Reduces in the layout that the view has, whatever the axes are. */
export function reduce(
  graph: Graph,
  op: string,
  view: View,
  axes: readonly number[],
  keepDims: boolean,
): View {
  const positions = range(view.axes.length).filter((i) =>
    axes.includes(view.axes[i]!),
  );
  const reduced = {
    ...view,
    shape: view.shape.map((length, axis) => (axes.includes(axis) ? 1 : length)),
    stored: view.stored.map((length, i) =>
      positions.includes(i) ? 1 : length,
    ),
  };
  const moved = positions.some((i) => view.stored[i] !== 1);
  const result = moved
    ? { ...reduced, name: reduceNode(graph, op, view.name, positions) }
    : reduced;
  if (keepDims) return result;
  return reshape(
    graph,
    result,
    view.shape.filter((_, axis) => !axes.includes(axis)),
  );
}

/** The mean of each channel of each image: [N, H, W, C] to [N, 1, 1, C]. */
export function imageMean(graph: Graph, x: View): View {
  if (!isBlocked(x) || !isFull(x)) {
    return reduce(graph, 'ReduceMean', x, [1, 2], true);
  }
  const shape = [x.shape[0]!, 1, 1, x.shape[3]!];
  const value = blockedValue(graph, x);
  const name = addBlocked(graph, 'GlobalAveragePool', [value], {});
  return viewOf(name, x.type, shape, nchw);
}

function mean(graph: Graph, x: View, axes: readonly number[], keep: boolean) {
  if (!isBlocked(x) || axes.join() !== '1,2') {
    return reduce(graph, 'ReduceMean', x, axes, keep);
  }
  const means = imageMean(graph, x);
  return keep ? means : reshape(graph, means, [x.shape[0]!, x.shape[3]!]);
}

function reduceNode(
  graph: Graph,
  op: string,
  name: string,
  positions: readonly number[],
): string {
  return graph.add(op, [name, graph.integers(positions)], {
    attributes: { keepdims: 1 },
  });
}

/** How often elements repeat along `axes`: stored once, counted often. */
function repeats(view: View, axes: readonly number[]): number {
  const stored = view.stored.filter((_, i) => axes.includes(view.axes[i]!));
  const lengths = view.shape.filter((_, axis) => axes.includes(axis));
  return sizeOf(lengths) / sizeOf(stored);
}

function sum(graph: Graph, x: View, axes: readonly number[], keep: boolean) {
  const total = reduce(graph, 'ReduceSum', x, axes, keep);
  return multiply(graph, total, scalar(graph, repeats(x, axes), x));
}

/** For reductions that do not mind repeated elements. */
const plain = (op: string): Lowering =>
  lowering<'x', SumAttrs>((graph, { x }, { axis, keepDims }) =>
    reduce(graph, op, x, parseAxes(axis, x), keepDims),
  );

function parseAxes(axis: number | number[], x: View): number[] {
  return util.parseAxisParam(axis, [...x.shape]);
}

/** Maximum and minimum exist for 32-bit types only. */
const logical = (op: string): Lowering =>
  lowering<'x', SumAttrs>((graph, { x }, { axis, keepDims }) => {
    const numbers = cast(graph, x, 'int32');
    const found = reduce(graph, op, numbers, parseAxes(axis, x), keepDims);
    return cast(graph, found, 'bool');
  });

const argument = (op: string): Lowering =>
  lowering<'x', ArgMaxAttrs>((graph, { x }, attributes) => {
    const axis = parseAxes(attributes.axis, x)[0]!;
    const name = graph.add(op, [materialize(graph, x)], {
      attributes: { axis, keepdims: 0 },
    });
    const shape = x.shape.filter((_, i) => i !== axis);
    return cast(graph, viewOf(name, 'int64', shape), 'int32');
  });

const softmax = (op: string): Lowering =>
  lowering<'logits', SoftmaxAttrs>((graph, { logits }, { dim }) => {
    const name = graph.add(op, [materialize(graph, logits)], {
      attributes: { axis: dim },
    });
    return viewOf(name, logits.type, logits.shape);
  });

export const reductions: LoweringTable = {
  Sum: lowering<'x', SumAttrs>((graph, { x }, { axis, keepDims }) => {
    const numbers = x.type === 'bool' ? cast(graph, x, 'int32') : x;
    return sum(graph, numbers, parseAxes(axis, x), keepDims);
  }),
  Mean: lowering<'x', SumAttrs>((graph, { x }, { axis, keepDims }) =>
    mean(graph, x, parseAxes(axis, x), keepDims),
  ),
  Min: plain('ReduceMin'),
  Max: lowering<'x', MaxAttrs>((graph, { x }, { reductionIndices, keepDims }) =>
    reduce(graph, 'ReduceMax', x, parseAxes(reductionIndices, x), keepDims),
  ),
  Prod: lowering<'x', SumAttrs>((graph, { x }, { axis, keepDims }) => {
    const whole = viewOf(materialize(graph, x), x.type, x.shape);
    return reduce(graph, 'ReduceProd', whole, parseAxes(axis, x), keepDims);
  }),
  All: logical('ReduceMin'),
  Any: logical('ReduceMax'),
  ArgMax: argument('ArgMax'),
  ArgMin: argument('ArgMin'),
  Softmax: softmax('Softmax'),
};
