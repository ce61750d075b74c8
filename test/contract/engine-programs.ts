import * as tf from '@tensorflow/tfjs-core';
import { rngFrom } from '#distill/data/rng.js';
import { createForwardProgram } from '#distill/forward-program.js';
import { createNetwork } from '#distill/models/index.js';
import { autocast, type ConvPrecision } from '#distill/ops/autocast.js';
import { conv } from '#distill/ops/conv.js';
import type { Program } from '#distill/program.js';
import {
  sizeOf,
  type HostTensor,
  type NamedHostTensors,
  type NamedSpecs,
} from '#distill/tensors.js';
import { createTrainProgram } from '#distill/train-program.js';

/** Small programs for the engines' contract, and inputs for them. */

const classCount = 10;
const network = createNetwork('resnet8', classCount);
const imageShape = [8, 8, 3] as const;
const capacity = 40;
const featDim = 16;

/** y = rate x + bias, where the state counts the calls and sums up x. */
export const counter: Program = {
  name: 'counter',
  state: {
    calls: { shape: [], dataType: 'int32' },
    sum: { shape: [3], dataType: 'float32' },
    bias: { shape: [3], dataType: 'float32' },
  },
  inputs: {
    x: { shape: [3], dataType: 'float32' },
    rate: { shape: [], dataType: 'float32' },
  },
  run: ({ calls, sum, bias }, { x, rate }) => ({
    state: {
      calls: tf.add(calls!, tf.scalar(1, 'int32')),
      sum: tf.add(sum!, x!),
    },
    outputs: { y: tf.add(tf.mul(rate!, x!), bias!), before: calls! },
  }),
};

export const counterState: NamedHostTensors = {
  calls: { shape: [], data: Int32Array.of(7) },
  sum: float32(0, 0, 0),
  bias: float32(1, 2, 3),
};

/** Exchanges its two state tensors, and hands its input through. */
export const swap: Program = {
  name: 'swap',
  state: {
    a: { shape: [2], dataType: 'float32' },
    b: { shape: [2], dataType: 'float32' },
  },
  inputs: { x: { shape: [2], dataType: 'float32' } },
  run: ({ a, b }, { x }) => ({
    state: { a: b!, b: a! },
    outputs: { x: x!, again: x!, a: a! },
  }),
};

/** A CIFAR ResNet in eval mode. */
export function forward(batchSize: number): Program {
  return createForwardProgram(network, imageShape, batchSize);
}

/** A convolution of so many channels, with filters of so many pixels a side. */
export interface ConvCase {
  readonly channels: number;
  readonly outputs: number;
  readonly size: 1 | 3;
}

/** Even and odd, since processors take channels two by two; wide ones of 1 x 1. */
export const convCases: readonly ConvCase[] = [
  ...[6, 5, 3, 1].map(
    (channels) => ({ channels, outputs: 4, size: 3 }) as const,
  ),
  { channels: 6, outputs: 4, size: 1 },
  { channels: 160, outputs: 320, size: 1 },
];

/** At both strides, with its gradients. */
export function convolutions(
  { channels, outputs, size }: ConvCase,
  precision: ConvPrecision,
): Program {
  return {
    name: `convolutions in ${precision}`,
    state: {},
    inputs: {
      x: { shape: [2, 7, 6, channels], dataType: 'float32' },
      weight: { shape: [outputs, channels, size, size], dataType: 'float32' },
    },
    run(_, { x, weight }) {
      const [images, filter] = [x as tf.Tensor4D, weight!];
      const results = ([1, 2] as const).flatMap((stride) => {
        const f = (input: tf.Tensor, by: tf.Tensor) =>
          autocast(precision, () => conv(input as tf.Tensor4D, by, stride));
        const y = f(images, filter);
        // What comes back is y itself: something that is not all the same.
        const [dx, dweight] = tf.grads(f)([images, filter], y);
        return [
          [`y${stride}`, y],
          [`dx${stride}`, dx!],
          [`dweight${stride}`, dweight!],
        ] as const;
      });
      return { state: {}, outputs: Object.fromEntries(results) };
    },
  };
}

export function convInputs({ channels, outputs, size }: ConvCase) {
  return {
    x: normal('x', [2, 7, 6, channels]),
    weight: normal('weight', [outputs, channels, size, size]),
  };
}

/** Weights of that network. */
export const weights = network.init(rngFrom(1, 'contract'));

/** Noise: float32 [count, H, W, 3]. */
export function images(count: number): HostTensor {
  return normal('images', [count, ...imageShape]);
}

/** A step with every term that there is; the teacher and the queue are noise. */
export function trainingStep(batchSize: number) {
  const { program, initialState } = createTrainProgram({
    network,
    experiment: {
      loss: {
        crossEntropy: 1,
        kd: { weight: 0.9, temperature: 4 },
        rrd: {
          weight: 1.5,
          studentTemperature: 0.1,
          teacherTemperature: 0.02,
          enqueue: 'before',
        },
      },
      bank: { capacity, featDim },
      // Without decay, momentum after one step is the gradient itself.
      training: { batchSize, momentum: 0.9, weightDecay: 0 },
    },
    imageShape,
    teacherFeatureDim: 64,
  });
  return {
    program,
    initialState: initialState(1),
    inputs: noise(program.inputs, batchSize),
  };
}

function noise(specs: NamedSpecs, batchSize: number): NamedHostTensors {
  const labels = Int32Array.from({ length: batchSize }, (_, i) => i % 10);
  return {
    ...mapRecord(specs, ({ shape }, name) => normal(name, shape)),
    ...mapRecord(unitRows(specs), ({ shape }, name) =>
      normal(name, shape, 1 / Math.sqrt(featDim)),
    ),
    labels: { shape: [batchSize], data: labels },
    learningRate: { shape: [], data: Float32Array.of(0.05) },
  };
}

/** The inputs whose rows are embeddings: vectors of length 1, or nearly. */
function unitRows({ teacherEmbeddings, queue }: NamedSpecs): NamedSpecs {
  return { teacherEmbeddings: teacherEmbeddings!, queue: queue! };
}

function mapRecord<From, To>(
  record: Readonly<Record<string, From>>,
  map: (value: From, name: string) => To,
): Record<string, To> {
  const entries = Object.entries(record);
  return Object.fromEntries(entries.map(([name, v]) => [name, map(v, name)]));
}

/** Seeded normal values. */
export function normal(
  key: string,
  shape: readonly number[],
  deviation = 1,
): HostTensor {
  const rng = rngFrom(2, key);
  const length = sizeOf(shape);
  const draw = () => rng.normal() * deviation;
  return { shape, data: Float32Array.from({ length }, draw) };
}

export function float32(...values: number[]): HostTensor {
  return { shape: [values.length], data: Float32Array.from(values) };
}

/** The slices of a tensor along its first axis. */
export function rowsOf({ shape, data }: HostTensor): HostTensor[] {
  const [count = 0, ...rest] = shape;
  const size = sizeOf(rest);
  return Array.from({ length: count }, (_, row) => ({
    shape: rest,
    data: data.slice(row * size, (row + 1) * size),
  }));
}

/** The opposite: float32 rows of one shape as one tensor. */
export function stack(rows: readonly HostTensor[]): HostTensor {
  const values = rows.flatMap(({ data }) => Array.from(data));
  const shape = [rows.length, ...rows[0]!.shape];
  return { shape, data: Float32Array.from(values) };
}
