import {
  slice_util,
  util,
  type BroadCastToAttrs,
  type ConcatAttrs,
  type CumsumAttrs,
  type ExpandDimsAttrs,
  type GatherV2Attrs,
  type OneHotAttrs,
  type PackAttrs,
  type PadV2Attrs,
  type ReshapeAttrs,
  type ReverseAttrs,
  type SliceAttrs,
  type SplitVAttrs,
  type StridedSliceAttrs,
  type TileAttrs,
  type TransposeAttrs,
  type UnpackAttrs,
} from '@tensorflow/tfjs-core';
import { isBlocked, nchw, unblock } from '../blocked.js';
import type { ElementType, Graph } from '../graph.js';
import {
  lowering,
  unsupported,
  variadic,
  type LoweringTable,
} from '../lowering.js';
import { Notes } from '../notes.js';
import {
  broadcast,
  constantView,
  materialize,
  range,
  reshape,
  transpose,
  viewOf,
  type View,
} from '../view.js';
import { cast } from './arithmetic.js';
import { elementwise } from './elementwise.js';

/** Elements `begin[a]`, `begin[a] + strides[a]`, ... below `end[a]`. */
export function slice(
  graph: Graph,
  given: View,
  begin: readonly number[],
  end: readonly number[],
  strides: readonly number[] = begin.map(() => 1),
): View {
  const shape = range(given.shape.length).map((a) =>
    Math.max(0, Math.ceil((end[a]! - begin[a]!) / strides[a]!)),
  );
  const cutsBlocks = isBlocked(given) && shape[3] !== given.shape[3];
  const x = cutsBlocks ? unblock(graph, given, false) : given;
  const cut = range(x.axes.length).filter((i) => {
    const axis = x.axes[i]!;
    return x.stored[i] !== 1 && shape[axis] !== x.shape[axis];
  });
  if (cut.length === 0) return { ...x, shape };
  const at = (bounds: readonly number[]) =>
    graph.integers(cut.map((i) => bounds[x.axes[i]!]!));
  const name = graph.add('Slice', [
    x.name,
    at(begin),
    at(end),
    graph.integers(cut),
    at(strides),
  ]);
  const stored = x.stored.map((length, i) =>
    cut.includes(i) ? shape[x.axes[i]!]! : length,
  );
  return { ...x, name, shape, stored };
}

/** Joins views along `axis`, in the layout of the first. */
export function concat(
  graph: Graph,
  views: readonly View[],
  axis: number,
): View {
  const { shape, type } = views[0]!;
  const axes = isBlocked(views[0]!) ? nchw : views[0]!.axes;
  const name = graph.add(
    'Concat',
    views.map((view) => materialize(graph, view, axes)),
    { attributes: { axis: axes.indexOf(axis) } },
  );
  const length = views.reduce((sum, view) => sum + view.shape[axis]!, 0);
  const joined = shape.map((old, a) => (a === axis ? length : old));
  return viewOf(name, type, joined, axes);
}

/** Adds `before[a]` and `after[a]` elements of `value` around each axis. */
export function pad(
  graph: Graph,
  given: View,
  paddings: readonly (readonly [number, number])[],
  value: number,
): View {
  const x = isBlocked(given) ? unblock(graph, given, false) : given;
  const shape = x.shape.map((n, a) => n + paddings[a]![0] + paddings[a]![1]);
  const pads = [0, 1].flatMap((side) => x.axes.map((a) => paddings[a]![side]!));
  const name = graph.add('Pad', [
    materialize(graph, x, x.axes),
    graph.integers(pads),
    graph.constant(x.type, [], [value]),
  ]);
  if (value === 0) padded.set(graph, name, { view: given, paddings });
  return viewOf(name, x.type, shape, x.axes);
}

/** Which view a value is, with zeros around it. */
export const padded = new Notes<{
  readonly view: View;
  readonly paddings: readonly (readonly [number, number])[];
}>();

function without<T>(list: readonly T[], index: number): T[] {
  return list.filter((_, i) => i !== index);
}

/** Parts of the given lengths along `axis`. */
function split(
  graph: Graph,
  x: View,
  lengths: readonly number[],
  axis: number,
): View[] {
  let start = 0;
  return lengths.map((length) => {
    const begin = x.shape.map((_, a) => (a === axis ? start : 0));
    start += length;
    const end = x.shape.map((n, a) => (a === axis ? start : n));
    return slice(graph, x, begin, end);
  });
}

function oneHot(
  graph: Graph,
  indices: View,
  { depth, onValue, offValue, dtype }: OneHotAttrs,
): View {
  const type = dtype as ElementType;
  const classes = constantView(graph, 'int32', [depth], range(depth));
  const column = reshape(graph, indices, [...indices.shape, 1]);
  const hit = elementwise(graph, 'Equal', [column, classes], 'bool');
  if (onValue === 1 && offValue === 0) return cast(graph, hit, type);
  const on = constantView(graph, type, [], [onValue]);
  const off = constantView(graph, type, [], [offValue]);
  return elementwise(graph, 'Where', [hit, on, off], type);
}

function stridedSlice(graph: Graph, x: View, attributes: StridedSliceAttrs) {
  const info = slice_util.sliceInfo(
    [...x.shape],
    attributes.begin,
    attributes.end,
    attributes.strides,
    attributes.beginMask,
    attributes.endMask,
    attributes.ellipsisMask,
    attributes.newAxisMask,
    attributes.shrinkAxisMask,
  );
  if (info.strides.some((stride) => stride < 0)) {
    throw unsupported('StridedSlice', 'negative strides');
  }
  const part = slice(graph, x, info.begin, info.end, info.strides);
  return reshape(graph, part, info.finalShape);
}

function reverse(graph: Graph, given: View, dims: readonly number[]): View {
  const x = isBlocked(given) ? unblock(graph, given, false) : given;
  const turned = range(x.axes.length).filter((i) => dims.includes(x.axes[i]!));
  const all = (value: number) => graph.integers(turned.map(() => value));
  const [first, beforeAll] = [-1, -(2 ** 31)];
  const name = graph.add('Slice', [
    x.name,
    all(first),
    all(beforeAll),
    graph.integers(turned),
    all(-1),
  ]);
  return { ...x, name };
}

export const shapes: LoweringTable = {
  Reshape: lowering<'x', ReshapeAttrs>((graph, { x }, { shape }) =>
    reshape(
      graph,
      x,
      util.inferFromImplicitShape(shape, util.sizeFromShape([...x.shape])),
    ),
  ),
  ExpandDims: lowering<'input', ExpandDimsAttrs>(
    (graph, { input }, { dim }) => {
      const at = dim < 0 ? input.shape.length + dim + 1 : dim;
      return reshape(graph, input, input.shape.toSpliced(at, 0, 1));
    },
  ),
  Transpose: lowering<'x', TransposeAttrs>((graph, { x }, { perm }) =>
    transpose(graph, x, perm),
  ),
  BroadcastTo: lowering<'x', BroadCastToAttrs>((graph, { x }, { shape }) =>
    broadcast(graph, x, shape),
  ),
  Slice: lowering<'x', SliceAttrs>((graph, { x }, { begin, size }) => {
    const [starts, lengths] = slice_util.parseSliceParams(
      { shape: [...x.shape] } as Parameters<
        typeof slice_util.parseSliceParams
      >[0],
      begin,
      size,
    );
    const ends = starts!.map((start, a) => start + lengths![a]!);
    return slice(graph, x, starts!, ends);
  }),
  StridedSlice: lowering<'x', StridedSliceAttrs>((graph, { x }, attributes) =>
    stridedSlice(graph, x, attributes),
  ),
  Reverse: lowering<'x', ReverseAttrs>((graph, { x }, { dims }) =>
    reverse(graph, x, util.parseAxisParam(dims, [...x.shape])),
  ),
  PadV2: lowering<'x', PadV2Attrs>(
    (graph, { x }, { paddings, constantValue }) =>
      pad(graph, x, paddings, constantValue),
  ),
  Concat: variadic<ConcatAttrs>((graph, views, { axis }) =>
    concat(graph, views, util.parseAxisParam(axis, [...views[0]!.shape])[0]!),
  ),
  Pack: variadic<PackAttrs>((graph, views, { axis }) => {
    const shape = views[0]!.shape.toSpliced(axis, 0, 1);
    const parts = views.map((view) => reshape(graph, view, shape));
    return concat(graph, parts, axis);
  }),
  Unpack: lowering<'value', UnpackAttrs>((graph, { value }, { axis }) => {
    const at = axis < 0 ? axis + value.shape.length : axis;
    const lengths = range(value.shape[at]!).map(() => 1);
    return split(graph, value, lengths, at).map((part) =>
      reshape(graph, part, without(value.shape, at)),
    );
  }),
  SplitV: lowering<'x', SplitVAttrs>(
    (graph, { x }, { numOrSizeSplits, axis }) => {
      const [at] = util.parseAxisParam(axis, [...x.shape]);
      const lengths = Array.isArray(numOrSizeSplits)
        ? numOrSizeSplits
        : range(numOrSizeSplits).map(() => x.shape[at!]! / numOrSizeSplits);
      return split(graph, x, lengths, at!);
    },
  ),
  Tile: lowering<'x', TileAttrs>((graph, { x }, { reps }) => {
    const shape = x.shape.map((length, axis) => length * reps[axis]!);
    if (x.shape.every((length, axis) => length === 1 || reps[axis] === 1)) {
      return broadcast(graph, x, shape);
    }
    const name = graph.add('Tile', [
      materialize(graph, x),
      graph.integers(reps),
    ]);
    return viewOf(name, x.type, shape);
  }),
  GatherV2: lowering<'x' | 'indices', GatherV2Attrs>(
    (graph, { x, indices }, { axis, batchDims }) => {
      if (batchDims) throw unsupported('GatherV2', 'batch dimensions');
      const name = graph.add(
        'Gather',
        [materialize(graph, x), materialize(graph, indices)],
        { attributes: { axis } },
      );
      return viewOf(name, x.type, x.shape.toSpliced(axis, 1, ...indices.shape));
    },
  ),
  OneHot: lowering<'indices', OneHotAttrs>((graph, { indices }, attributes) =>
    oneHot(graph, indices, attributes),
  ),
  Cumsum: lowering<'x', CumsumAttrs>(
    (graph, { x }, { axis, exclusive, reverse: backwards }) => {
      const name = graph.add(
        'CumSum',
        [materialize(graph, x), graph.constant('int64', [], [axis])],
        { attributes: { exclusive: +exclusive, reverse: +backwards } },
      );
      return viewOf(name, x.type, x.shape);
    },
  ),
};
