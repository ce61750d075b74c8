import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import type { Program } from '#distill/program.js';
import {
  sizeOf,
  type HostTensor,
  type NamedHostTensors,
} from '#distill/tensors.js';
import { cpuProvider } from '../cpu.js';
import type { Engine } from '../engine.js';
import { createOnnxEngine } from './index.js';

export const onnx = await createOnnxEngine({ threads: 1 });
const standard = await createOnnxEngine({ threads: 1, standardOnly: true });
const cpu = await cpuProvider.create();

export type Operation = (...inputs: tf.Tensor[]) => tf.Tensor | tf.Tensor[];

/** Numbers in (-1.5, 1.5), all different, none of them special. */
export function numbers(shape: readonly number[], seed = 1): HostTensor {
  const wave = (i: number) => 1.5 * Math.sin(12.9898 * (i + 1) * seed + seed);
  return {
    shape,
    data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => wave(i)),
  };
}

export function integers(values: number[]): HostTensor {
  return { shape: [values.length], data: Int32Array.from(values) };
}

/** A state that changes: without one, ONNX Runtime picks the layouts. */
const counter = { count: { shape: [], dataType: 'float32' } } as const;
export const zero = { count: { shape: [], data: new Float32Array(1) } };

export function programOf(
  operation: Operation,
  inputs: NamedHostTensors,
): Program {
  const specs = Object.entries(inputs).map(([name, { shape, data }]) => {
    const dataType = data instanceof Int32Array ? 'int32' : 'float32';
    return [name, { shape, dataType }] as const;
  });
  return {
    name: 'operation',
    state: counter,
    inputs: Object.fromEntries(specs),
    run: ({ count }, tensors) => {
      const result = operation(...Object.values(tensors));
      const values = result instanceof tf.Tensor ? [result] : result;
      const entries = values.map((value, i) => [`value${i}`, value] as const);
      return {
        state: { count: tf.add(count!, 1) },
        outputs: Object.fromEntries(entries),
      };
    },
  };
}

async function evaluate(
  engine: Engine,
  program: Program,
  inputs: NamedHostTensors,
): Promise<NamedHostTensors> {
  const executable = await engine.compile(program, zero);
  try {
    return await executable.run(inputs);
  } finally {
    executable.dispose();
  }
}

export async function expectSame(operation: Operation, list: HostTensor[]) {
  const inputs = Object.fromEntries(list.map((x, i) => [`x${i}`, x]));
  const program = programOf(operation, inputs);
  const expected = await evaluate(cpu, program, inputs);
  for (const engine of [onnx, standard]) {
    expectClose(await evaluate(engine, program, inputs), expected);
  }
}

function expectClose(actual: NamedHostTensors, expected: NamedHostTensors) {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, { shape, data }] of Object.entries(expected)) {
    expect(actual[name]!.shape).toEqual(shape);
    for (const [i, value] of data.entries()) {
      const scale = Math.max(1, Math.abs(value));
      expect(actual[name]!.data[i]! / scale).toBeCloseTo(value / scale, 4);
    }
  }
}

/** The operation's value and its gradient in every float input. */
export function withGradient(
  operation: (...inputs: tf.Tensor[]) => tf.Tensor,
): Operation {
  return (...inputs) => {
    const { value, grads } = tf.valueAndGrads((...xs) =>
      tf.sum(tf.square(operation(...xs))),
    )(inputs);
    return [operation(...inputs), value, ...grads];
  };
}
