import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convPrecisions, type ConvPrecision } from '#distill/ops/autocast.js';
import type { Program } from '#distill/program.js';
import type { NamedHostTensors } from '#distill/tensors.js';
import type { Engine } from '#runtime/compute/engine.js';
import { BatchShapeError, InvalidRequestError } from '#runtime/errors.js';
import {
  counter,
  counterState,
  float32,
  forward,
  convCases,
  convInputs,
  convolutions,
  type ConvCase,
  images,
  rowsOf,
  stack,
  swap,
  trainingStep,
  weights,
} from './engine-programs.js';
import { normInputs, norms, otherInputs, others } from './kernel-programs.js';

const batchSize = 3;

/** What the `cpu` engine makes of the programs: the truth for all others. */
export interface Reference {
  readonly forward: NamedHostTensors;
  readonly step: Trained;
  readonly kernels: readonly NamedHostTensors[];
  /** In the order of `convCases`. */
  readonly convs: Readonly<Record<ConvPrecision, NamedHostTensors[]>>;
}

interface Trained {
  readonly outputs: NamedHostTensors;
  readonly state: NamedHostTensors;
}

export async function referenceOf(engine: Engine): Promise<Reference> {
  const step = await train(engine);
  const convs: Record<ConvPrecision, NamedHostTensors[]> = {
    float32: [],
    bfloat16: [],
  };
  for (const precision of convPrecisions)
    for (const each of convCases)
      convs[precision].push(await runConvs(engine, each, precision));
  return {
    forward: await runForward(engine, batchSize),
    step,
    convs,
    kernels: await runKernels(engine),
  };
}

/** Runs on every implementation of `Engine`. */
export function engineContract(
  open: () => Promise<Engine>,
  reference: () => Reference,
): void {
  let engine: Engine;
  beforeAll(async () => {
    engine = await open();
  });
  afterAll(() => engine.dispose());

  describe('results', () => {
    it('of a forward pass agree with cpu within 1e-5', async () => {
      const outputs = await runForward(engine, batchSize);
      expectClose(outputs, reference().forward, 1e-5);
    });

    // The new momentum is the gradient, for every trainable tensor.
    it('of a training step, with gradients, agree within 1e-4', async () => {
      const { outputs, state } = await train(engine);
      expectClose(outputs, reference().step.outputs, 1e-5);
      expectClose(state, reference().step.state, 1e-4);
    });

    it('of kernels agree within 1e-5, on odd shapes too', async () => {
      for (const [i, outputs] of (await runKernels(engine)).entries())
        expectClose(outputs, reference().kernels[i]!, 1e-5);
    });

    it.each([...convCases.entries()])(
      'of convolutions, case %i, agree within 1e-5: %o',
      async (i, each) => {
        const outputs = await runConvs(engine, each, 'float32');
        expectClose(outputs, reference().convs.float32[i]!, 1e-5);
      },
    );

    // A sum that lies between two halves may be rounded to either.
    it.each([...convCases.entries()])(
      'of bfloat16 convolutions, case %i, are such, and agree within one: %o',
      async (i, each) => {
        const outputs = await runConvs(engine, each, 'bfloat16');
        expectClose(outputs, reference().convs.bfloat16[i]!, 2 ** -7);
        for (const [name, { data }] of Object.entries(outputs)) {
          const bits = new Uint32Array((data as Float32Array).slice().buffer);
          const longer = bits.filter((value) => (value & 0xffff) !== 0);
          expect(longer.length, name).toBe(0);
        }
      },
    );

    it('are the same bits each time', async () => {
      const [first, second] = [await train(engine), await train(engine)];
      expect(bitsOf(first.state)).toEqual(bitsOf(second.state));
      expect(bitsOf(first.outputs)).toEqual(bitsOf(second.outputs));
    });

    // What batching on the teacher's side rests on. Between sizes, which are
    // programs of their own, the bits may differ: the teacher probes for that.
    it('of an image do not depend on the rest of the batch', async () => {
      const [first, second, third] = rowsOf(images(3));
      const batches = [
        [first!, second!, third!],
        [third!, first!, first!],
      ];
      const program = forward(3);
      const runs = batches.map((rows) =>
        runOnce(engine, program, weights, { images: stack(rows) }),
      );
      const [straight, mixed] = await Promise.all(runs);
      const [a, , c] = rowsOf(straight!['logits']!);
      const expected = [c!, a!, a!];
      expect(rowsOf(mixed!['logits']!)).toEqual(expected);
    });

    it('of an image agree between batch sizes within 1e-5', async () => {
      const one = await runForward(engine, 1);
      const many = await runForward(engine, batchSize);
      const logits = rowsOf(many['logits']!)[0]!;
      expectClose({ logits }, { logits: rowsOf(one['logits']!)[0]! }, 1e-5);
    });
  });

  describe('state', () => {
    it('is carried from call to call, integers too', async () => {
      const executable = await engine.compile(counter, counterState);
      const rate = { shape: [], data: Float32Array.of(2) };
      await executable.run({ x: float32(1, 2, 3), rate });
      const outputs = await executable.run({ x: float32(4, 5, 6), rate });
      expect(outputs['y']).toEqual(float32(9, 12, 15));
      expect(outputs['before']!.data).toEqual(Int32Array.of(8));
      expect(await executable.readState()).toEqual({
        calls: { shape: [], data: Int32Array.of(9) },
        sum: float32(5, 7, 9),
        bias: float32(1, 2, 3),
      });
      executable.dispose();
    });

    it('can be replaced and read in part', async () => {
      const executable = await engine.compile(counter, counterState);
      await executable.writeState({ sum: float32(7, 8, 9) });
      expect(await executable.readState(['sum', 'bias'])).toEqual({
        sum: float32(7, 8, 9),
        bias: float32(1, 2, 3),
      });
      executable.dispose();
    });

    it('belongs to one executable', async () => {
      const [first, second] = await Promise.all([
        engine.compile(counter, counterState),
        engine.compile(counter, counterState),
      ]);
      await first.writeState({ sum: float32(1, 1, 1) });
      const { sum } = await second.readState(['sum']);
      expect(sum).toEqual(float32(0, 0, 0));
      first.dispose();
      second.dispose();
    });

    it('is a copy of the arrays it was set from', async () => {
      const state = { ...counterState, sum: float32(1, 2, 3) };
      const executable = await engine.compile(counter, state);
      state.sum.data.fill(9);
      const { sum } = await executable.readState(['sum']);
      sum!.data.fill(9);
      expect(await executable.readState(['sum'])).toEqual({
        sum: float32(1, 2, 3),
      });
      executable.dispose();
    });

    it('may be passed through, exchanged and put out', async () => {
      const state = { a: float32(1, 2), b: float32(3, 4) };
      const executable = await engine.compile(swap, state);
      for (const a of [state.a, state.b, state.a]) {
        const x = float32(5, 6);
        const outputs = await executable.run({ x });
        expect(outputs).toEqual({ x, again: x, a });
      }
      const swapped = { a: state.b, b: state.a };
      expect(await executable.readState()).toEqual(swapped);
      executable.dispose();
    });
  });

  describe('bad input', () => {
    const x = float32(1, 2, 3);
    const rate = { shape: [], data: Float32Array.of(2) };
    const compile = () => engine.compile(counter, counterState);
    const run = async (inputs: NamedHostTensors) =>
      (await compile()).run(inputs);
    const missing: NamedHostTensors = { x };

    it.each([
      ['a missing input', () => run(missing), InvalidRequestError],
      ['an unknown one', () => run({ x, rate, y: x }), InvalidRequestError],
      ['a shape', () => run({ x: float32(1), rate }), BatchShapeError],
      [
        'an element type',
        () => run({ x: { shape: [3], data: new Int32Array(3) }, rate }),
        BatchShapeError,
      ],
      [
        'a count of elements',
        () => run({ x: { shape: [3], data: x.data.slice(1) }, rate }),
        BatchShapeError,
      ],
      [
        'a state without a tensor',
        () => engine.compile(counter, { sum: x }),
        InvalidRequestError,
      ],
      [
        'a state of another shape',
        async () => (await compile()).writeState({ sum: float32(1) }),
        BatchShapeError,
      ],
      [
        'an unknown state',
        async () => (await compile()).readState(['weight']),
        InvalidRequestError,
      ],
    ])('%s is a typed error', async (_, attempt, errorClass) => {
      await expect(attempt()).rejects.toBeInstanceOf(errorClass);
    });

    it('leaves the state and the executable as they were', async () => {
      const executable = await compile();
      await expect(executable.run(missing)).rejects.toThrow();
      const { before } = await executable.run({ x, rate });
      expect(before!.data).toEqual(Int32Array.of(7));
      executable.dispose();
    });
  });

  describe('memory', () => {
    it('holds no more tensors after more steps than after one', async () => {
      const { program, initialState, inputs } = trainingStep(2);
      const before = tf.memory();
      const executable = await engine.compile(program, initialState);
      await executable.run(inputs);
      const { numTensors, numBytes } = tf.memory();
      for (let step = 0; step < 3; step++) await executable.run(inputs);
      expect(tf.memory()).toMatchObject({ numTensors, numBytes });
      executable.dispose();
      expect(tf.memory()).toMatchObject({
        numTensors: before.numTensors,
        numBytes: before.numBytes,
      });
    });

    it('is given back when the engine is disposed of', async () => {
      const { numTensors } = tf.memory();
      const other = await open();
      await other.compile(swap, { a: float32(1, 2), b: float32(3, 4) });
      await other.dispose();
      expect(tf.memory().numTensors).toBe(numTensors);
    });
  });
}

async function runOnce(
  engine: Engine,
  program: Program,
  state: NamedHostTensors,
  inputs: NamedHostTensors,
): Promise<NamedHostTensors> {
  const executable = await engine.compile(program, state);
  const outputs = await executable.run(inputs);
  executable.dispose();
  return outputs;
}

const runForward = (engine: Engine, count: number) =>
  runOnce(engine, forward(count), weights, { images: images(count) });

const runKernels = async (engine: Engine) => [
  await runOnce(engine, norms, {}, normInputs()),
  await runOnce(engine, others, {}, otherInputs()),
];

const runConvs = (engine: Engine, each: ConvCase, precision: ConvPrecision) =>
  runOnce(engine, convolutions(each, precision), {}, convInputs(each));

/** One step from the initial state. */
async function train(engine: Engine): Promise<Trained> {
  const { program, initialState, inputs } = trainingStep(batchSize);
  const executable = await engine.compile(program, initialState);
  const outputs = await executable.run(inputs);
  const state = await executable.readState();
  executable.dispose();
  return { outputs, state };
}

/** One short text for each tensor: comparing large arrays takes seconds. */
function bitsOf(tensors: NamedHostTensors): Record<string, string> {
  const entries = Object.entries(tensors).map(([name, { data }]) => {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    return [name, createHash('sha256').update(bytes).digest('hex')] as const;
  });
  return Object.fromEntries(entries);
}

/** Differences are relative to the largest element of the expected tensor. */
function expectClose(
  actual: NamedHostTensors,
  expected: NamedHostTensors,
  tolerance: number,
): void {
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, { shape, data }] of Object.entries(expected)) {
    expect(actual[name]!.shape, name).toEqual(shape);
    const other = actual[name]!.data;
    const values = Array.from(data);
    const scale = Math.max(...values.map(Math.abs), 1e-6);
    const errors = values.map((value, i) => Math.abs(value - other[i]!));
    expect(Math.max(...errors) / scale, name).toBeLessThan(tolerance);
  }
}
