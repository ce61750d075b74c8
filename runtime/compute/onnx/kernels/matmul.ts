import { backend_util, type BatchMatMulAttrs } from '@tensorflow/tfjs-core';
import type { Graph } from '../graph.js';
import { lowering, type LoweringTable } from '../lowering.js';
import { materialize, range, reorder, viewOf, type View } from '../view.js';

interface Operand {
  readonly name: string;
  /** The value's last two dimensions are the other way round. */
  readonly transposed: boolean;
}

/** The operand as it lies in memory where possible, with a flag to turn it. */
function operand(graph: Graph, view: View, transposed: boolean): Operand {
  const rank = view.shape.length;
  const straight = range(rank);
  const turned = [...straight.slice(0, -2), rank - 1, rank - 2];
  const isTurned = turned.every((axis, i) => view.axes[i] === axis);
  const axes = isTurned ? turned : straight;
  return {
    name: withMatrix(graph, reorder(graph, view, axes)),
    transposed: transposed !== isTurned,
  };
}

/** All elements of each matrix; batches of equal matrices stay stored once. */
function withMatrix(graph: Graph, view: View): string {
  const batch = view.stored.slice(0, -2);
  const shape = view.shape.map((length, axis) => batch[axis] ?? length);
  return materialize(graph, { ...view, shape }, view.axes);
}

/** op(a) op(b), where op transposes if told so; batches are broadcast. */
export function matMul(
  graph: Graph,
  a: View,
  b: View,
  transposeA: boolean,
  transposeB: boolean,
): View {
  const left = operand(graph, a, transposeA);
  const right = operand(graph, b, transposeB);
  const rows = a.shape.at(transposeA ? -1 : -2)!;
  const columns = b.shape.at(transposeB ? -2 : -1)!;
  const batch = backend_util.assertAndGetBroadcastShape(
    a.shape.slice(0, -2),
    b.shape.slice(0, -2),
  );
  const rank = Math.max(a.shape.length, b.shape.length);
  const name = product(graph, left, right, rank);
  return viewOf(name, a.type, [...batch, rows, columns]);
}

/** By operators of ONNX itself, which GPUs have, but for turned batches. */
function product(graph: Graph, a: Operand, b: Operand, rank: number): string {
  const inputs = [a.name, b.name];
  const attributes = { transA: +a.transposed, transB: +b.transposed };
  if (!a.transposed && !b.transposed) return graph.add('MatMul', inputs);
  if (rank === 2) return graph.add('Gemm', inputs, { attributes });
  const domain = 'com.microsoft';
  return graph.add('FusedMatMul', inputs, { attributes, domain });
}

export const matrixProducts: LoweringTable = {
  BatchMatMul: lowering<'a' | 'b', BatchMatMulAttrs>(
    (graph, { a, b }, { transposeA, transposeB }) =>
      matMul(graph, a, b, transposeA, transposeB),
  ),
};
