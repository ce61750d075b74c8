import { backend_util } from '@tensorflow/tfjs-core';
import { sizeOf } from '#distill/tensors.js';
import { isBlocked, isFull } from '../blocked.js';
import type { ElementType, Graph } from '../graph.js';
import {
  broadcast,
  constantView,
  range,
  reorder,
  uniformValue,
  type View,
} from '../view.js';
import { affine } from './affine.js';

/**
 * Applies an operator element by element, in the layout of the operand with
 * the most elements in memory; the others are small or are brought to it.
 */
export function elementwise(
  graph: Graph,
  op: string,
  operands: readonly View[],
  type: ElementType = operands[0]!.type,
): View {
  const shape = operands
    .map((view) => [...view.shape])
    .reduce((a, b) => backend_util.assertAndGetBroadcastShape(a, b));
  const aligned = operands.map((view) => broadcast(graph, view, shape));
  const activation = aligned.find((view) => isBlocked(view) && isFull(view));
  const largest = aligned.reduce((a, b) =>
    sizeOf(b.stored) > sizeOf(a.stored) ? b : a,
  );
  const { axes } = activation ?? largest;
  const ordered = aligned.map((view) => reorder(graph, view, axes));
  const stored = range(axes.length).map((i) =>
    Math.max(...ordered.map((view) => view.stored[i]!)),
  );
  const name = graph.add(
    op,
    ordered.map((view) => view.name),
  );
  return { name, type, shape, axes, stored };
}

/** A number with the type of `like`, for use beside it. */
export function scalar(graph: Graph, value: number, like: View): View {
  return constantView(graph, like.type, [], [value]);
}

/** a + b */
export function add(graph: Graph, a: View, b: View): View {
  if (uniformValue(graph, b) === 0) return widen(graph, a, b);
  if (uniformValue(graph, a) === 0) return widen(graph, b, a);
  return folded(graph, 'Add', a, b, (x, y) => x + y);
}

/** a - b */
export function subtract(graph: Graph, a: View, b: View): View {
  if (uniformValue(graph, b) === 0) return widen(graph, a, b);
  return folded(graph, 'Sub', a, b, (x, y) => x - y);
}

/** a b */
export function multiply(graph: Graph, a: View, b: View): View {
  if (uniformValue(graph, b) === 1) return widen(graph, a, b);
  if (uniformValue(graph, a) === 1) return widen(graph, b, a);
  return folded(graph, 'Mul', a, b, (x, y) => x * y);
}

/** a / b */
export function divide(graph: Graph, a: View, b: View): View {
  if (uniformValue(graph, b) === 1) return widen(graph, a, b);
  return folded(graph, 'Div', a, b, (x, y) => x / y);
}

/** `view` repeated to the shape that it and `other` have together. */
function widen(graph: Graph, view: View, other: View): View {
  const shape = backend_util.assertAndGetBroadcastShape(
    [...view.shape],
    [...other.shape],
  );
  return broadcast(graph, view, shape);
}

/** The operator, or its result where both operands are float constants. */
function folded(
  graph: Graph,
  op: 'Add' | 'Sub' | 'Mul' | 'Div',
  a: View,
  b: View,
  compute: (a: number, b: number) => number,
): View {
  const x = uniformValue(graph, a);
  const y = uniformValue(graph, b);
  if (x === undefined || y === undefined || a.type !== 'float32') {
    return affine(graph, op, a, b) ?? elementwise(graph, op, [a, b]);
  }
  const value = constantView(graph, a.type, [], [Math.fround(compute(x, y))]);
  return widen(graph, broadcast(graph, value, a.shape), b);
}
