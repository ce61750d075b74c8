import type { Graph } from '../graph.js';
import {
  addBlocked,
  blockedValue,
  blockedView,
  isBlocked,
  isFull,
} from '../blocked.js';
import { Notes } from '../notes.js';
import {
  broadcast,
  constantView,
  materialize,
  range,
  uniformValue,
  viewOf,
  type View,
} from '../view.js';
import { add, multiply, scalar, subtract } from './elementwise.js';

/**
 * x scale + shift by channel, plus another tensor perhaps: batch norm, its
 * gradient and residual sums are made of these. Chains of them are one
 * convolution of each channel with a single number, so they pass through
 * memory once.
 */
interface Affine {
  readonly x: View;
  /** [C] */
  readonly scale: View;
  /** [C] */
  readonly shift: View;
  readonly sum?: View;
}

const affines = new Notes<Affine>();

/** a + b, a - b or a b as an affine map, if one of them is blocked. */
export function affine(
  graph: Graph,
  op: 'Add' | 'Sub' | 'Mul' | 'Div',
  a: View,
  b: View,
): View | undefined {
  if (op === 'Div') return undefined;
  if (isActivation(a) && isActivation(b)) {
    return op === 'Mul' ? undefined : affineSum(graph, op, a, b);
  }
  const vector = isActivation(a)
    ? perChannel(graph, b, a)
    : isActivation(b)
      ? perChannel(graph, a, b)
      : undefined;
  if (!vector) return undefined;
  const base = baseOf(graph, isActivation(a) ? a : b);
  return emit(graph, combined(graph, op, base, vector, isActivation(a)));
}

/** relu(x) in the same pass, if x is an affine map. */
export function affineRelu(graph: Graph, x: View): View | undefined {
  const known = affines.get(graph, x.name);
  return known && emit(graph, known, 'Relu');
}

function isActivation(view: View): boolean {
  return isBlocked(view) && isFull(view);
}

/** `view` as [C], if that is all that it varies by. */
function perChannel(graph: Graph, view: View, like: View): View | undefined {
  const channels = like.shape[3]!;
  const { axes, stored } = broadcast(graph, view, like.shape);
  const others = range(axes.length).filter((i) => axes[i] !== 3);
  const own = range(axes.length).filter((i) => axes[i] === 3);
  const length = own.reduce((product, i) => product * stored[i]!, 1);
  if (length !== channels || others.some((i) => stored[i] !== 1)) {
    return undefined;
  }
  const name = graph.reshape(view.name, [channels]);
  return viewOf(name, view.type, [channels]);
}

/** What `view` is known to be made of, or itself. */
function baseOf(graph: Graph, view: View): Affine {
  const known = affines.get(graph, view.name);
  if (known && !known.sum) return known;
  const channels = [view.shape[3]!];
  const all = (value: number) =>
    constantView(
      graph,
      'float32',
      channels,
      channels.map(() => value),
    );
  return { x: view, scale: all(1), shift: all(0) };
}

/** `op` applied to an affine map and a vector, in this order if `first`. */
function combined(
  graph: Graph,
  op: 'Add' | 'Sub' | 'Mul',
  { x, scale, shift }: Affine,
  vector: View,
  first: boolean,
): Affine {
  if (op === 'Mul') {
    return {
      x,
      scale: multiply(graph, scale, vector),
      shift:
        uniformValue(graph, shift) === 0
          ? shift
          : multiply(graph, shift, vector),
    };
  }
  if (op === 'Add') return { x, scale, shift: add(graph, shift, vector) };
  if (first) return { x, scale, shift: subtract(graph, shift, vector) };
  return {
    x,
    scale: negative(graph, scale),
    shift: subtract(graph, vector, shift),
  };
}

/** a + b or a - b where one is an affine map that can take the other in. */
function affineSum(
  graph: Graph,
  op: 'Add' | 'Sub',
  a: View,
  b: View,
): View | undefined {
  const last = affines.get(graph, b.name);
  if (last && !last.sum) {
    if (op === 'Add') return emit(graph, { ...last, sum: a });
    const { x, scale, shift } = last;
    return emit(graph, {
      x,
      scale: negative(graph, scale),
      shift: negative(graph, shift),
      sum: a,
    });
  }
  const first = affines.get(graph, a.name);
  if (op === 'Add' && first && !first.sum) {
    return emit(graph, { ...first, sum: b });
  }
  return undefined;
}

function negative(graph: Graph, vector: View): View {
  return multiply(graph, vector, scalar(graph, -1, vector));
}

function emit(graph: Graph, map: Affine, activation?: 'Relu'): View {
  const { x, scale, shift, sum } = map;
  const channels = x.shape[3]!;
  const inputs = [
    blockedValue(graph, x),
    graph.reshape(materialize(graph, scale), [channels, 1, 1, 1]),
    materialize(graph, shift),
    ...(sum ? [blockedValue(graph, sum)] : []),
  ];
  const name = addBlocked(graph, 'Conv', inputs, {
    kernel_shape: [1, 1],
    strides: [1, 1],
    dilations: [1, 1],
    pads: [0, 0, 0, 0],
    group: channels,
    ...(activation && { activation }),
  });
  const view = blockedView(graph, name, x.shape);
  if (!activation) affines.set(graph, view.name, map);
  return view;
}
