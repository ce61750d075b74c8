import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { singularFlow } from '#distill/losses/singular-flow.js';
import type { NamedHostTensors } from '#distill/tensors.js';
import type { Engine } from '#runtime/compute/engine.js';
import { runOnce, type GoldenCase } from './case.js';
import type { Checks } from './checks.js';
import { errors, tensor, toHost, type GoldenTensor } from './json.js';

/**
 * Distillation of singular vectors. An SVD leaves the signs of the teacher's
 * vectors open, and the loss depends on them, sample by sample. So each sample
 * is run with every choice, and the one that comes closest to the file counts:
 * its loss and all its gradients must then be the file's.
 */
export const kdsvdSchema = z.object({
  name: z.string(),
  source: z.literal('KDSVD.py'),
  inputs: z.object({ g_s: z.array(tensor), g_t: z.array(tensor) }),
  losses: z.array(z.number()),
  grads: z.record(z.string(), tensor),
  f32_max_abs_err: errors,
});

type KdsvdFile = z.infer<typeof kdsvdSchema>;

export function kdsvdCase(file: KdsvdFile): GoldenCase {
  return {
    name: file.name,
    run: (engine, checks) => run(file, engine, checks),
  };
}

async function run(file: KdsvdFile, engine: Engine, checks: Checks) {
  const { f32_max_abs_err: error, inputs, grads } = file;
  const count = inputs.g_s[0]!.shape[0]!;
  const names = inputs.g_s.map((_, i) => `g_s.${i}`);
  const choices = signsOf(names.length);
  const losses = file.losses.map(() => 0);
  const gradients = names.map((): number[] => []);
  for (let sample = 0; sample < count; sample++) {
    const expected = names.map((name) => rowOf(grads[name]!, sample).data);
    const runs = [];
    for (const signs of choices) {
      const outputs = await runSample(engine, inputs, sample, signs);
      // The file's batch divides by its size.
      const own = names.map((name) =>
        Array.from(outputs[name]!.data, (value) => value / count),
      );
      runs.push({ outputs, own, distance: distance(own, expected) });
    }
    const [best] = runs.sort((a, b) => a.distance - b.distance);
    best!.own.forEach((values, i) => gradients[i]!.push(...values));
    losses.forEach((_, i) => {
      losses[i]! += best!.outputs[`loss.${i}`]!.data[0]! / count;
    });
  }
  losses.forEach((loss, i) => {
    const what = `loss of pair ${i}`;
    checks.close(what, scalar(loss), [file.losses[i]!], error['loss']);
  });
  names.forEach((name, i) => {
    const { shape, data } = grads[name]!;
    const actual = { shape, data: Float32Array.from(gradients[i]!) };
    checks.close(`gradient by ${name}`, actual, data, error[name]);
  });
}

function scalar(value: number) {
  return { shape: [], data: Float32Array.of(value) };
}

/** Every choice of signs for the maps after the first. */
function signsOf(mapCount: number): number[][] {
  if (mapCount === 1) return [[1]];
  return signsOf(mapCount - 1).flatMap((signs) => [
    [...signs, 1],
    [...signs, -1],
  ]);
}

function rowOf({ shape, data }: GoldenTensor, row: number): GoldenTensor {
  const size = data.length / shape[0]!;
  const own = data.slice(row * size, (row + 1) * size);
  return { shape: [1, ...shape.slice(1)], data: own };
}

function distance(a: readonly number[][], b: readonly number[][]): number {
  const parts = a.flatMap((values, i) =>
    values.map((value, k) => (value - b[i]![k]!) ** 2),
  );
  return parts.reduce((sum, part) => sum + part, 0);
}

function runSample(
  engine: Engine,
  inputs: KdsvdFile['inputs'],
  sample: number,
  signs: readonly number[],
): Promise<NamedHostTensors> {
  const entries = (['g_s', 'g_t'] as const).flatMap((side) =>
    inputs[side].map((map, i) => {
      return [`${side}.${i}`, toHost(rowOf(map, sample))] as const;
    }),
  );
  return runOnce(engine, Object.fromEntries(entries), (given) => {
    const mapsOf = (side: string) =>
      signs.map((_, i) => channelsLast(given[`${side}.${i}`]!));
    const names = signs.map((_, i) => `g_s.${i}`);
    const losses = (...maps: tf.Tensor[]) =>
      singularFlow(maps.map(channelsLast), mapsOf('g_t'), signs);
    const xs = names.map((name) => given[name]!);
    const grads = tf.grads((...maps) => tf.addN(losses(...maps)))(xs);
    return {
      ...Object.fromEntries(losses(...xs).map((x, i) => [`loss.${i}`, x])),
      ...Object.fromEntries(names.map((name, i) => [name, grads[i]!])),
    };
  });
}

function channelsLast(map: tf.Tensor): tf.Tensor4D {
  return tf.transpose(map as tf.Tensor4D, [0, 2, 3, 1]);
}
