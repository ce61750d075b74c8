import { block, isBlocked, isFull, nchw, unblock } from './blocked.js';
import type { ElementType, Graph } from './graph.js';

/**
 * How a traced tensor is read from an ONNX value. The program sees `shape`;
 * the value lies in memory in another order of axes, and dimensions along which
 * it repeats are stored once. So transposing and broadcasting move no data
 * until an operator needs a certain layout, and activations stay in the order
 * that convolutions want (NCHW) although the program is written in NHWC.
 */
export interface View {
  /** The ONNX value's name. */
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  /**
   * The value's dimension i holds axis `axes[i]` of `shape`. An axis that is
   * there twice is split: outer part first (see blocked.ts).
   */
  readonly axes: readonly number[];
  /** The value's dims; 1 where `shape` is larger: repeated. */
  readonly stored: readonly number[];
}

export function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}

/** A value that holds `shape` with its axes in the given order. */
export function viewOf(
  name: string,
  type: ElementType,
  shape: readonly number[],
  axes: readonly number[] = range(shape.length),
): View {
  return { name, type, shape, axes, stored: axes.map((a) => shape[a]!) };
}

/** A constant; one number is enough where all are equal. */
export function constantView(
  graph: Graph,
  type: ElementType,
  shape: readonly number[],
  data: ArrayLike<number>,
): View {
  const values = Array.from(data);
  const first = values[0];
  const uniform = first !== undefined && values.every((v) => v === first);
  const stored = uniform ? shape.map(() => 1) : shape;
  const name = graph.constant(type, stored, uniform ? [first] : values);
  return { name, type, shape, axes: range(shape.length), stored };
}

/** The number that a view holds everywhere, if it is such a constant. */
export function uniformValue(graph: Graph, view: View): number | undefined {
  const data = graph.constants.get(view.name)?.data;
  return data?.length === 1 ? data[0] : undefined;
}

/** The same view with its axes stored in another order. */
export function reorder(
  graph: Graph,
  view: View,
  axes: readonly number[],
): View {
  if (axes.join() === view.axes.join()) return view;
  if (isBlocked({ axes })) {
    const straight = view.axes.every((axis, i) => axis === i);
    const whole = straight && isFull(view);
    return block(graph, whole ? view : reorder(graph, view, nchw));
  }
  if (isBlocked(view)) {
    const channelsLast = axes.every((axis, i) => axis === i);
    return reorder(graph, unblock(graph, view, channelsLast), axes);
  }
  const perm = axes.map((axis) => view.axes.indexOf(axis));
  const stored = perm.map((p) => view.stored[p]!);
  const moved = perm.filter((p) => view.stored[p] !== 1);
  const inOrder = moved.every((p, i) => i === 0 || moved[i - 1]! < p);
  const name = inOrder
    ? graph.reshape(view.name, stored)
    : graph.add('Transpose', [view.name], { attributes: { perm } });
  return { ...view, name, axes, stored };
}

/** The view's value with every element present, axes in the given order. */
export function materialize(
  graph: Graph,
  view: View,
  axes: readonly number[] = range(view.shape.length),
): string {
  const ordered = reorder(graph, view, axes);
  const { name, stored } = ordered;
  const dims = fullDims(graph, ordered);
  if (dims.every((dim, i) => dim === stored[i])) return name;
  return graph.add('Expand', [name, graph.integers(dims)]);
}

/** The view's dims in memory if nothing repeated. */
function fullDims(graph: Graph, view: View): number[] {
  const dims = view.axes.map((axis) => view.shape[axis]!);
  if (!isBlocked(view)) return dims;
  return [
    dims[0]!,
    dims[1]! / graph.blockSize!,
    dims[2]!,
    dims[3]!,
    graph.blockSize!,
  ];
}

/** Swaps axes: new axis i is old axis `perm[i]`. Moves no data. */
export function transpose(
  graph: Graph,
  given: View,
  perm: readonly number[],
): View {
  const view = isBlocked(given) ? unblock(graph, given, false) : given;
  return {
    ...view,
    shape: perm.map((p) => view.shape[p]!),
    axes: view.axes.map((axis) => perm.indexOf(axis)),
  };
}

/** Repeats a view to a larger shape, by the rules of broadcasting. */
export function broadcast(
  graph: Graph,
  view: View,
  shape: readonly number[],
): View {
  const added = shape.length - view.shape.length;
  if (added === 0) return { ...view, shape };
  const stored = [...range(added).map(() => 1), ...view.stored];
  return {
    ...view,
    name: graph.reshape(view.name, stored),
    shape,
    axes: [...range(added), ...view.axes.map((axis) => axis + added)],
    stored,
  };
}

/** Gives the elements, in row-major order, another shape. */
export function reshape(
  graph: Graph,
  given: View,
  shape: readonly number[],
): View {
  const view = isBlocked(given) ? unblock(graph, given, false) : given;
  const from = range(view.shape.length).filter((a) => view.shape[a] !== 1);
  const to = range(shape.length).filter((a) => shape[a] !== 1);
  const onlyOnes =
    from.length === to.length &&
    from.every((axis, i) => view.shape[axis] === shape[to[i]!]);
  if (uniformValue(graph, view) !== undefined) {
    const ones = shape.map(() => 1);
    const name = graph.reshape(view.name, ones);
    return { ...viewOf(name, view.type, shape), stored: ones };
  }
  if (!onlyOnes) {
    const name = graph.reshape(materialize(graph, view), shape);
    return viewOf(name, view.type, shape);
  }
  return withOnes(graph, view, shape, new Map(from.map((a, i) => [a, to[i]!])));
}

/** A reshape that only adds or drops dimensions of size 1: keeps the layout. */
function withOnes(
  graph: Graph,
  view: View,
  shape: readonly number[],
  newAxis: ReadonlyMap<number, number>,
): View {
  const kept = range(view.axes.length).filter((i) =>
    newAxis.has(view.axes[i]!),
  );
  const ones = range(shape.length).filter((axis) => shape[axis] === 1);
  const axes = [...ones, ...kept.map((i) => newAxis.get(view.axes[i]!)!)];
  const stored = [...ones.map(() => 1), ...kept.map((i) => view.stored[i]!)];
  const name = graph.reshape(view.name, stored);
  return { name, type: view.type, shape, axes, stored };
}
