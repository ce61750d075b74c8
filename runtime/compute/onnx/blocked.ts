import { sizeOf } from '#distill/tensors.js';
import type { Attribute, Graph } from './graph.js';
import type { View } from './view.js';

/**
 * ONNX Runtime's own layout for convolutions on CPU: channels in blocks of 8 or
 * 16, the block innermost ([N, C / block, H, W, block]). Its operators are an
 * internal contract, so they are tried at start-up (probe.ts) and only used by
 * graphs that have a `blockSize`.
 */
export const nchwcDomain = 'com.microsoft.nchwc';

/** Memory order of NHWC tensors for standard operators: N, C, H, W. */
export const nchw: readonly number[] = [0, 3, 1, 2];

/** Memory order of blocked tensors: the channels are there twice. */
export const blocked: readonly number[] = [0, 3, 1, 2, 3];

export function isBlocked({ axes }: Pick<View, 'axes'>): boolean {
  return axes.length === blocked.length && axes[1] === axes[4];
}

/** Nothing repeats: each element is in memory. */
export function isFull(view: View): boolean {
  return sizeOf(view.stored) === sizeOf(view.shape);
}

/** [N, C, H, W] of an NHWC shape. */
export function nchwDims(shape: readonly number[]): number[] {
  return nchw.map((axis) => shape[axis]!);
}

/** A blocked value, named as operators of the domain made it: in 4 dims. */
export function blockedView(
  graph: Graph,
  name: string,
  shape: readonly number[],
): View {
  const [batch, height, width, channels] = shape as [
    number,
    number,
    number,
    number,
  ];
  const block = graph.blockSize!;
  const stored = [batch, channels / block, height, width, block];
  const type = 'float32';
  return {
    name: graph.reshape(name, stored),
    type,
    shape,
    axes: blocked,
    stored,
  };
}

/** The value of a blocked view as operators of the domain take it. */
export function blockedValue(graph: Graph, view: View): string {
  return graph.reshape(view.name, nchwDims(view.shape));
}

export function addBlocked(
  graph: Graph,
  op: string,
  inputs: readonly string[],
  attributes: Readonly<Record<string, Attribute>>,
): string {
  return graph.add(op, inputs, { attributes, domain: nchwcDomain });
}

/** A view with its axes in order or as NCHW, blocked. */
export function block(graph: Graph, view: View): View {
  if (isFull(view)) {
    const channelsLast = view.axes.every((axis, i) => axis === i);
    const name = addBlocked(graph, 'ReorderInput', [view.name], {
      channels_last: +channelsLast,
    });
    return blockedView(graph, name, view.shape);
  }
  const [batch, channels, height, width] = nchw.map(
    (axis) => view.stored[view.axes.indexOf(axis)]!,
  ) as [number, number, number, number];
  const inner = channels === 1 ? 1 : graph.blockSize!;
  const outer = channels / inner;
  const split = [batch, outer, inner, height, width];
  const parts = graph.reshape(view.name, split);
  const stored = [batch, outer, height, width, inner];
  const name =
    inner === 1 || height * width === 1
      ? graph.reshape(parts, stored)
      : graph.add('Transpose', [parts], {
          attributes: { perm: [0, 1, 3, 4, 2] },
        });
  return { ...view, name, axes: blocked, stored };
}

/** A blocked view as NHWC (`channelsLast`) or NCHW. */
export function unblock(graph: Graph, view: View, channelsLast: boolean): View {
  const [batch, outer, height, width, inner] = view.stored as [
    number,
    number,
    number,
    number,
    number,
  ];
  const stored = [batch, outer * inner, height, width];
  const moves = height * width > 1 && inner > 1;
  if (moves && isFull(view)) {
    const name = addBlocked(
      graph,
      'ReorderOutput',
      [blockedValue(graph, view)],
      {
        channels: view.shape[3]!,
        channels_last: +channelsLast,
      },
    );
    if (channelsLast) {
      return { ...view, name, axes: [0, 1, 2, 3], stored: view.shape };
    }
    return { ...view, name, axes: nchw, stored };
  }
  const parts = moves
    ? graph.add('Transpose', [view.name], {
        attributes: { perm: [0, 1, 4, 2, 3] },
      })
    : view.name;
  return { ...view, name: graph.reshape(parts, stored), axes: nchw, stored };
}

/**
 * A filter [O, I, h, w] as blocked convolutions take it: blocks of output
 * channels innermost, then blocks of input channels unless there are fewer.
 */
export function blockFilter(
  graph: Graph,
  filter: string,
  dims: readonly [number, number, number, number],
): string {
  const size = graph.blockSize!;
  const [outputs, inputs, height, width] = dims;
  const inner = inputs < size ? 1 : size;
  const parts = [outputs / size, size, inputs / inner, inner, height, width];
  const moved = graph.add('Transpose', [graph.reshape(filter, parts)], {
    attributes: { perm: [0, 2, 4, 5, 3, 1] },
  });
  return graph.reshape(moved, dims);
}

/** Whether a convolution with these channels has a blocked form. */
export function canBlock(
  { blockSize }: Graph,
  inputs: number,
  outputs: number,
): boolean {
  if (blockSize === undefined || outputs % blockSize !== 0) return false;
  return inputs % blockSize === 0 || inputs < blockSize;
}
