import { z } from 'zod';
import {
  createNetwork,
  isNetworkName,
  type NetworkName,
} from '#distill/models/index.js';
import type { NamedHostTensors } from '#distill/tensors.js';
import type { GoldenCase } from './case.js';
import { largestOf, normOf, total, type Checks } from './checks.js';
import { channelsLast } from './json.js';
import { runNetwork } from './network-program.js';
import { uniforms, zooImages, zooState } from './zoo-weights.js';

const map = z.object({
  shape: z.array(z.number()),
  sum: z.number(),
  abs_sum: z.number(),
  first8: z.array(z.number()),
});
const evalPass = z.object({ logits: z.array(z.number()), feats: z.array(map) });
const trainPass = evalPass.extend({
  loss: z.number(),
  grad_norm: z.record(z.string(), z.number()),
  running_after: z.record(
    z.string(),
    z.object({ sum: z.number(), first4: z.array(z.number()) }),
  ),
});

/** All networks of the reference, with weights made by a formula. */
export const zooSchema = z.object({
  salt: z.string(),
  uniform_check: z.record(z.string(), z.array(z.number())),
  nets: z.record(z.string(), z.object({ eval: evalPass, train: trainPass })),
});

type ZooFile = z.infer<typeof zooSchema>;
type Row = ZooFile['nets'][string];

const labels = { shape: [4], data: Int32Array.of(3, 99, 41, 0) };
const classCount = 100;

export function zooCases(file: ZooFile): GoldenCase[] {
  const formula: GoldenCase = {
    name: 'zoo uniform_check',
    run: async (_engine, checks) => {
      for (const [name, expected] of Object.entries(file.uniform_check)) {
        const actual = expected.map(uniforms(name, file.salt));
        checks.near(name, actual, expected, 1e-8);
      }
    },
  };
  const rows = Object.entries(file.nets).map(([net, row]): GoldenCase => {
    const name = `zoo ${net}`;
    if (!isNetworkName(net)) return { name, skip: `no network ${net} yet` };
    return rowCase(name, net, row, file.salt);
  });
  return [formula, ...rows];
}

/** Multiply-accumulates decide what plain JavaScript can do in seconds. */
const light: readonly string[] = [
  ...['resnet8', 'resnet14', 'wrn_16_1', 'MobileNetV2'],
];

function rowCase(
  name: string,
  net: NetworkName,
  row: Row,
  salt: string,
): GoldenCase {
  return {
    name,
    heavy: !light.includes(net),
    async run(engine, checks) {
      const network = createNetwork(net, classCount);
      const state = zooState(network, salt);
      const images = channelsLast(zooImages(salt));
      const evaluated = await runNetwork(engine, {
        network,
        state,
        inputs: { images },
        mode: 'eval',
        gradients: false,
      });
      compareForward('eval', row.eval, evaluated, 5e-6, checks);
      const trained = await runNetwork(engine, {
        network,
        state,
        inputs: { images, labels },
        mode: 'train',
        gradients: true,
      });
      compareForward('train', row.train, trained, 2e-4, checks);
      compareTraining(row.train, trained, checks);
    },
  };
}

function compareForward(
  mode: string,
  expected: z.infer<typeof evalPass>,
  outputs: NamedHostTensors,
  relative: number,
  checks: Checks,
): void {
  const { data } = outputs['logits']!;
  const tolerance = relative * largestOf(expected.logits);
  checks.near(`${mode} logits`, data, expected.logits, tolerance);
  for (const [i, feat] of expected.feats.entries()) {
    const what = `${mode} feats ${i}`;
    const { shape, data } = (outputs[`map.${i}`] ?? outputs['features'])!;
    checks.that(
      `${what} shape ${shape.join()}`,
      shape.join() === feat.shape.join(),
    );
    const scale = 1e-4 * feat.abs_sum;
    checks.near(`${what} sum`, [total(data)], [feat.sum], scale);
    checks.near(
      `${what} abs_sum`,
      [total(data, Math.abs)],
      [feat.abs_sum],
      scale,
    );
    // The README bounds only sums; this shows that the layout is right.
    const first = data.slice(0, 8);
    checks.near(`${what} first`, first, feat.first8, 1e-3 * largestOf(data));
  }
}

function compareTraining(
  expected: z.infer<typeof trainPass>,
  outputs: NamedHostTensors,
  checks: Checks,
): void {
  const lossTolerance = 2e-4 * largestOf(expected.logits);
  checks.near('loss', outputs['loss']!.data, [expected.loss], lossTolerance);
  const largest = Math.max(...Object.values(expected.grad_norm));
  for (const [name, norm] of Object.entries(expected.grad_norm)) {
    const actual = normOf(outputs[`grad.${name}`]!.data);
    const tolerance = 5e-2 * Math.max(norm, largest / 1000);
    checks.near(`|grad ${name}|`, [actual], [norm], tolerance);
  }
  for (const [name, { sum, first4 }] of Object.entries(
    expected.running_after,
  )) {
    const { data } = outputs[name]!;
    const tolerance = 1e-4 * Math.max(1, Math.abs(sum));
    checks.near(`sum ${name}`, [total(data)], [sum], tolerance);
    checks.near(`${name} first`, data.slice(0, 4), first4, tolerance);
  }
}
