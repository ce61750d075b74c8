import { backend_util, type Conv2DAttrs } from '@tensorflow/tfjs-core';
import type { Graph } from '../graph.js';
import { unsupported } from '../lowering.js';
import type { View } from '../view.js';
import { padded } from './shapes.js';

export type Pair = readonly [number, number];
export type Quad = readonly [number, number, number, number];

/** How a filter moves over an image, as attributes of ONNX: [rows, columns]. */
export interface Spatial {
  readonly kernel_shape: Pair;
  readonly strides: Pair;
  readonly dilations: Pair;
  /** top, left, bottom, right */
  readonly pads: Quad;
}

/** A convolution from an image to another. */
export interface Geometry extends Spatial {
  /** [N, H, W, I] */
  readonly from: Quad;
  /** [N, H', W', O] */
  readonly to: Quad;
}

type Attributes = Omit<Conv2DAttrs, 'dilations'> & {
  readonly dilations?: Conv2DAttrs['dilations'];
};

/** Sizes and padding by the rules of TensorFlow.js. */
export function geometryOf(
  inputShape: readonly number[],
  filterShape: readonly number[],
  attributes: Attributes,
): Geometry {
  const { dataFormat, strides, pad, dilations, dimRoundingMode } = attributes;
  if (dataFormat !== 'NHWC') {
    throw unsupported('Conv2D', `data format ${dataFormat}`);
  }
  type Shape = [number, number, number, number];
  const info = backend_util.computeConv2DInfo(
    [...inputShape] as Shape,
    [...filterShape] as Shape,
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
  );
  const { top, left, bottom, right } = info.padInfo;
  return {
    from: info.inShape,
    to: info.outShape,
    kernel_shape: [info.filterHeight, info.filterWidth],
    strides: [info.strideHeight, info.strideWidth],
    dilations: [info.dilationHeight, info.dilationWidth],
    pads: [top, left, bottom, right],
  };
}

export function spatial(geometry: Geometry): Record<string, readonly number[]> {
  const { kernel_shape, strides, dilations, pads } = geometry;
  return { kernel_shape, strides, dilations, pads };
}

/** How many rows (side 0) or columns (1) of the padded image are looked at. */
export function reach(geometry: Geometry, side: 0 | 1): number {
  const { kernel_shape, strides, dilations, to } = geometry;
  const size = dilations[side] * (kernel_shape[side] - 1) + 1;
  return strides[side] * (to[side + 1]! - 1) + size;
}

/**
 * The same convolution of a smaller image: zeros that were put around x become
 * padding, and padding at the end that nobody looks at goes.
 */
export function withoutPadding(
  graph: Graph,
  x: View,
  geometry: Geometry,
): [View, Geometry] {
  const source = padded.get(graph, x.name);
  const [batch, rows, columns, channels] = source?.paddings ?? [];
  const onlyAround = [batch, channels].every((p) => !p || p[0] + p[1] === 0);
  const image = source && onlyAround ? source.view : x;
  const [top, left] = geometry.pads;
  const start = onlyAround
    ? [top + (rows?.[0] ?? 0), left + (columns?.[0] ?? 0)]
    : [top, left];
  const from = image.shape as Quad;
  const end = ([0, 1] as const).map((side) =>
    Math.max(0, reach(geometry, side) - from[side + 1]! - start[side]!),
  );
  const pads = [...start, ...end] as unknown as Quad;
  return [image, { ...geometry, from, pads }];
}
