import type {
  ClipByValueAttrs,
  LeakyReluAttrs,
  StepAttrs,
} from '@tensorflow/tfjs-core';
import { elementTypes, type ElementType, type Graph } from '../graph.js';
import {
  lowering,
  variadic,
  type Lowering,
  type LoweringTable,
} from '../lowering.js';
import { Notes } from '../notes.js';
import { broadcast, constantView, type View } from '../view.js';
import { affineRelu } from './affine.js';
import {
  add,
  divide,
  elementwise,
  multiply,
  scalar,
  subtract,
} from './elementwise.js';

type Binary = (graph: Graph, a: View, b: View) => View;

const binary = (f: Binary) =>
  lowering<'a' | 'b'>((graph, { a, b }) => f(graph, a, b));

const unary = (f: (graph: Graph, x: View) => View) =>
  lowering<'x'>((graph, { x }) => f(graph, x));

/** An operator that ONNX has under the name `op`. */
const direct = (op: string): Lowering =>
  unary((graph, x) => elementwise(graph, op, [x]));

const directBinary = (op: string, type?: ElementType): Lowering =>
  binary((graph, a, b) => elementwise(graph, op, [a, b], type));

const square = (graph: Graph, x: View) => multiply(graph, x, x);

function reciprocalRoot(graph: Graph, x: View): View {
  return elementwise(graph, 'Reciprocal', [elementwise(graph, 'Sqrt', [x])]);
}

/** The same numbers as another type. */
export function cast(graph: Graph, x: View, type: ElementType): View {
  if (x.type === type) return x;
  const attributes = { to: elementTypes[type] };
  const name = graph.add('Cast', [x.name], { attributes });
  return { ...x, name, type };
}

/** The rectified values of tensors: what their gradient needs too. */
const rectified = new Notes<View>();

function relu(graph: Graph, x: View): View {
  const y = affineRelu(graph, x) ?? elementwise(graph, 'Relu', [x]);
  rectified.set(graph, x.name, y);
  return y;
}

/** 1 where x > 0, else alpha. */
function step(graph: Graph, given: View, alpha: number): View {
  // relu(x) > 0 just where x > 0, and then x need not be kept.
  const x = rectified.get(graph, given.name) ?? given;
  const positive = elementwise(
    graph,
    'Greater',
    [x, scalar(graph, 0, x)],
    'bool',
  );
  const one = cast(graph, positive, x.type);
  if (alpha === 0) return one;
  const [high, low] = [scalar(graph, 1, x), scalar(graph, alpha, x)];
  return elementwise(graph, 'Where', [positive, high, low], x.type);
}

function clip(graph: Graph, x: View, low: number, high: number): View {
  const atLeast = elementwise(graph, 'Max', [x, scalar(graph, low, x)]);
  return elementwise(graph, 'Min', [atLeast, scalar(graph, high, x)]);
}

/** Quotient rounded down, exact for int32. */
function floorDivide(graph: Graph, a: View, b: View): View {
  const [x, y] = [cast(graph, a, 'float32'), cast(graph, b, 'float32')];
  const quotient = elementwise(graph, 'Floor', [divide(graph, x, y)]);
  return cast(graph, quotient, a.type);
}

const filled = (value: number) =>
  unary((graph, x) => broadcast(graph, scalar(graph, value, x), x.shape));

export const arithmetic: LoweringTable = {
  Add: binary(add),
  Sub: binary(subtract),
  Multiply: binary(multiply),
  RealDiv: binary(divide),
  FloorDiv: binary(floorDivide),
  Maximum: directBinary('Max'),
  Minimum: directBinary('Min'),
  Pow: directBinary('Pow'),
  SquaredDifference: binary((graph, a, b) =>
    square(graph, subtract(graph, a, b)),
  ),
  AddN: variadic((graph, terms) =>
    terms.reduce((sum, term) => add(graph, sum, term)),
  ),
  Neg: direct('Neg'),
  Abs: direct('Abs'),
  Sign: direct('Sign'),
  Floor: direct('Floor'),
  Ceil: direct('Ceil'),
  Exp: direct('Exp'),
  Log: direct('Log'),
  Sqrt: direct('Sqrt'),
  Reciprocal: direct('Reciprocal'),
  Sigmoid: direct('Sigmoid'),
  Softplus: direct('Softplus'),
  Tanh: direct('Tanh'),
  Erf: direct('Erf'),
  Relu: unary(relu),
  Rsqrt: unary(reciprocalRoot),
  Square: unary(square),
  Relu6: unary((graph, x) => clip(graph, x, 0, 6)),
  LeakyRelu: lowering<'x', LeakyReluAttrs>((graph, { x }, { alpha }) =>
    elementwise(graph, 'Max', [x, multiply(graph, x, scalar(graph, alpha, x))]),
  ),
  Step: lowering<'x', StepAttrs>((graph, { x }, { alpha }) =>
    step(graph, x, alpha),
  ),
  ClipByValue: lowering<'x', ClipByValueAttrs>(
    (graph, { x }, { clipValueMin, clipValueMax }) =>
      clip(graph, x, clipValueMin, clipValueMax),
  ),
  Identity: unary((_, x) => x),
  ZerosLike: filled(0),
  OnesLike: filled(1),
  Equal: directBinary('Equal', 'bool'),
  NotEqual: binary((graph, a, b) =>
    elementwise(graph, 'Not', [elementwise(graph, 'Equal', [a, b], 'bool')]),
  ),
  Greater: directBinary('Greater', 'bool'),
  GreaterEqual: directBinary('GreaterOrEqual', 'bool'),
  Less: directBinary('Less', 'bool'),
  LessEqual: directBinary('LessOrEqual', 'bool'),
  LogicalAnd: directBinary('And', 'bool'),
  LogicalOr: directBinary('Or', 'bool'),
  LogicalNot: direct('Not'),
  Select: lowering<'condition' | 't' | 'e'>((graph, { condition, t, e }) =>
    elementwise(graph, 'Where', [condition, t, e], t.type),
  ),
  Cast: lowering<'x', { dtype: ElementType }>((graph, { x }, { dtype }) =>
    cast(graph, x, dtype),
  ),
  Fill: lowering<never, { shape: number[]; value: number; dtype: ElementType }>(
    (graph, _, { shape, value, dtype }) =>
      broadcast(graph, constantView(graph, dtype, [], [value]), shape),
  ),
};
