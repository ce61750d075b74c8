import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { createNetwork, isNetworkName } from '#distill/models/index.js';
import type { Mode } from '#distill/models/network.js';
import type { HostTensor, NamedHostTensors } from '#distill/tensors.js';
import { decodeSafetensors } from '#runtime/checkpoint/index.js';
import type { GoldenCase } from './case.js';
import { normOf, toleranceOf, total, type Checks } from './checks.js';
import { channelsLast, errors, tensor } from './json.js';
import { runNetwork } from './network-program.js';

const statistics = z.object({
  sum: z.number(),
  abs_sum: z.number(),
  sq_sum: z.number(),
  first16: z.array(z.number()),
  last4: z.array(z.number()),
});

const pass = z.object({
  logits: tensor,
  loss: z.number(),
  feats: z.array(statistics),
  preact_feats: z.array(statistics),
  f4: tensor,
  grad_input: statistics,
  param_grad_norm: z.record(z.string(), z.number()),
  param_grad_stat: z.record(z.string(), statistics),
  param_grad_small: z.record(z.string(), tensor),
  buffers_after: z.record(z.string(), tensor),
  f32_max_abs_err: z.object({
    logits: z.number(),
    loss: z.number(),
    feats: z.array(z.number()),
    param_grad: errors,
  }),
});

/** One network with shipped weights: forward and backward, both modes. */
export const networkSchema = z.object({
  name: z.string(),
  note: z.string(),
  param_order: z.array(z.string()),
  train: pass,
  eval: pass,
});

export function networkCases(
  file: z.infer<typeof networkSchema>,
  folder: string,
): GoldenCase[] {
  const { name } = file;
  if (!isNetworkName(name)) return [{ name, skip: `no network ${name} yet` }];
  const { state, images, labels } = readWeights(folder, file.note);
  const network = createNetwork(name, state['fc.bias']!.shape[0]!);
  const passOf = (mode: Mode): GoldenCase => ({
    name: `${name} ${mode}`,
    heavy: true,
    async run(engine, checks) {
      const outputs = await runNetwork(engine, {
        network,
        state,
        inputs: { images, labels },
        mode,
        gradients: true,
      });
      compare(file[mode], outputs, checks);
    },
  });
  return [passOf('train'), passOf('eval')];
}

function compare(
  expected: z.infer<typeof pass>,
  outputs: NamedHostTensors,
  checks: Checks,
): void {
  const error = expected.f32_max_abs_err;
  checks.close('logits', outputs['logits'], expected.logits.data, error.logits);
  checks.close('loss', outputs['loss'], [expected.loss], error.loss);
  for (const [i, map] of expected.feats.entries()) {
    const actual = outputs[`map.${i}`] ?? outputs['features'];
    compareStatistics(`feats ${i}`, actual!, map, error.feats[i], checks);
  }
  for (const [i, map] of expected.preact_feats.entries()) {
    const actual = outputs[`preactivation.${i}`] ?? outputs['features'];
    compareStatistics(
      `preact_feats ${i}`,
      actual!,
      map,
      error.feats[i],
      checks,
    );
  }
  checks.close('f4', outputs['features'], expected.f4.data, error.feats.at(-1));
  const input = outputs['grad.images']!;
  compareStatistics(
    'grad input',
    input,
    expected.grad_input,
    undefined,
    checks,
  );
  for (const [name, norm] of Object.entries(expected.param_grad_norm)) {
    const gradient = outputs[`grad.${name}`]!;
    const own = error.param_grad[name];
    checks.near(`|grad ${name}|`, [normOf(gradient.data)], [norm], 1e-5 * norm);
    const stat = expected.param_grad_stat[name]!;
    compareStatistics(`grad ${name}`, gradient, stat, own, checks);
  }
  for (const [name, { data }] of Object.entries(expected.param_grad_small)) {
    const own = error.param_grad[name];
    checks.close(`grad ${name}`, outputs[`grad.${name}`], data, own);
  }
  for (const [name, { data }] of Object.entries(expected.buffers_after)) {
    checks.close(name, outputs[name], data);
  }
}

function compareStatistics(
  what: string,
  { data }: HostTensor,
  expected: z.infer<typeof statistics>,
  float32Error: number | undefined,
  checks: Checks,
): void {
  const { sum, abs_sum: absolute, sq_sum: squares } = expected;
  const tolerance = toleranceOf(data, float32Error);
  checks.near(`${what} first`, data.slice(0, 16), expected.first16, tolerance);
  checks.near(`${what} last`, data.slice(-4), expected.last4, tolerance);
  checks.near(`sum ${what}`, [total(data)], [sum], 1e-5 * absolute);
  const actualAbsolute = total(data, Math.abs);
  checks.near(`sum |${what}|`, [actualAbsolute], [absolute], 1e-5 * absolute);
  const actualSquares = total(data, (value) => value * value);
  checks.near(`sum ${what}^2`, [actualSquares], [squares], 1e-5 * squares);
}

export interface Weights {
  readonly state: NamedHostTensors;
  readonly images: HostTensor;
  readonly labels: HostTensor;
}

/** The safetensors file that a case's note names: a state and one batch. */
export function readWeights(folder: string, note: string): Weights {
  const file = /[\w.-]+\.safetensors/.exec(note)?.[0];
  if (!file) throw new Error(`no safetensors file in the note "${note}"`);
  const path = join(folder, file);
  const { tensors } = decodeSafetensors(readFileSync(path), path);
  const { __input__: images, __label__: labels, ...state } = tensors;
  return { state, images: channelsLast(images!), labels: labels! };
}
