import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { NamedTensors } from '#distill/tensors.js';
import type { GoldenCase } from './case.js';
import { readers, type Reader } from './method-readers.js';
import { errors, tensor, toHost, type GoldenTensor } from './json.js';
import { runMethod } from './method-gradients.js';

/** A method with heads and buffers, and all its gradients. */
export const methodSchema = z.object({
  name: z.string(),
  source: z.string(),
  inputs: z.record(z.string(), z.union([tensor, z.array(tensor)])),
  params: z.record(z.string(), tensor),
  buffers: z.record(z.string(), tensor),
  loss: z.number(),
  grads: z.record(z.string(), tensor.nullable()),
  param_grads: z.record(z.string(), tensor.nullable()),
  buffers_after: z.record(z.string(), tensor),
  f32_max_abs_err: errors,
});

type MethodFile = z.infer<typeof methodSchema>;

function readerOf(file: MethodFile): Reader | undefined {
  const [source] = file.source.split(' ') as [string];
  return readers[source]?.(file);
}

export function methodExists(source: string): boolean {
  return Object.hasOwn(readers, source.split(' ')[0]!);
}

export function methodCase(file: MethodFile): GoldenCase {
  const { name, f32_max_abs_err: error } = file;
  const reader = readerOf(file)!;
  const rename = (key: string) => reader.rename?.(key) ?? key;
  const gradients = [
    ...Object.entries(file.grads).map(
      ([key, value]) => ({ key, own: key, value, error: error[key] }) as const,
    ),
    ...Object.entries(file.param_grads).map(([key, value]) => {
      return { key, own: rename(key), value, error: error[`param:${key}`] };
    }),
  ];
  return {
    name,
    async run(engine, checks) {
      const outputs = await runMethod(engine, {
        ...reader,
        state: hosts({ ...file.params, ...file.buffers }, rename),
        inputs: hosts(flat(file.inputs)),
        read: (inputs) => reader.read(channelsLast(inputs)),
        by: gradients.map(({ own }) => own),
      });
      checks.close('loss', outputs['loss'], [file.loss], error['loss']);
      for (const { key, own, value, error } of gradients) {
        const actual = outputs[`grad.${own}`];
        const what = `gradient by ${key}`;
        if (value) checks.close(what, actual, value.data, error);
        else checks.that(`${what}: there is none`, actual === undefined);
      }
      for (const [key, { data }] of Object.entries(file.buffers_after)) {
        checks.close(`${key} after`, outputs[`after.${rename(key)}`], data);
      }
    },
  };
}

/** Lists become `name.0`, `name.1`, ... */
function flat(
  inputs: MethodFile['inputs'],
): Readonly<Record<string, GoldenTensor>> {
  const entries = Object.entries(inputs).flatMap(([name, value]) =>
    Array.isArray(value)
      ? value.map((item, i) => [`${name}.${i}`, item] as const)
      : [[name, value] as const],
  );
  return Object.fromEntries(entries);
}

function hosts(
  tensors: Readonly<Record<string, GoldenTensor>>,
  rename = (name: string) => name,
) {
  const entries = Object.entries(tensors);
  return Object.fromEntries(
    entries.map(([name, value]) => [rename(name), toHost(value)]),
  );
}

/** The maps among the inputs, in our layout; heads keep torch's. */
function channelsLast(tensors: NamedTensors): NamedTensors {
  const entries = Object.entries(tensors).map(([name, x]) => {
    const isMap = /^[fg]_[st]\b/.test(name) && x.rank === 4;
    return [name, isMap ? tf.transpose(x, [0, 2, 3, 1]) : x] as const;
  });
  return Object.fromEntries(entries);
}
