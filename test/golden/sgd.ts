import { z } from 'zod';
import { experimentSchema } from '#distill/experiment.js';
import { createNetwork, isNetworkName } from '#distill/models/index.js';
import { embed } from '#distill/projection.js';
import { FifoQueue } from '#distill/queue.js';
import type { NamedHostTensors } from '#distill/tensors.js';
import { createTrainProgram } from '#distill/train-program.js';
import type { Engine } from '#runtime/compute/engine.js';
import type { GoldenCase } from './case.js';
import { normOf, type Checks } from './checks.js';
import { channelsLast, tensor, toHost } from './json.js';
import { readWeights } from './network.js';

/** Whole training steps: CE + RRD, SGD with momentum and weight decay. */
export const sgdSchema = z.object({
  name: z.string().endsWith('_rrd_sgd'),
  note: z.string(),
  opt: z.object({
    lr: z.number(),
    momentum: z.number(),
    weight_decay: z.number(),
    nce_k: z.number(),
    nce_t_s: z.number(),
    nce_t_t: z.number(),
    feat_dim: z.number(),
    t_dim: z.number(),
  }),
  'embed_s.weight': tensor,
  'embed_s.bias': tensor,
  'embed_t.weight': tensor,
  'embed_t.bias': tensor,
  queue_init: tensor,
  steps: z.array(
    z.object({
      input: tensor,
      label: tensor,
      f_t: tensor,
      loss_ce: z.number(),
      loss_rrd: z.number(),
      param_norm_after: z.record(z.string(), z.number()),
      'embed_s.weight_after': tensor,
      // Ours is no parameter at all.
      'embed_t.weight_unchanged': z.literal(true),
      'fc.bias_after': tensor,
      ptr_after: z.number(),
    }),
  ),
});

type SgdFile = z.infer<typeof sgdSchema>;

export function sgdCase(file: SgdFile, folder: string): GoldenCase {
  const { name } = file;
  const network = name.replace(/_rrd_sgd$/, '');
  if (!isNetworkName(network))
    return { name, skip: `no network ${network} yet` };
  return {
    name,
    heavy: true,
    run: async (engine, checks) => {
      const weights = readWeights(folder, file.note).state;
      const classCount = weights['fc.bias']!.shape[0]!;
      const { program, initialState } = createTrainProgram({
        network: createNetwork(network, classCount),
        experiment: experimentOf(file, network),
        imageShape: [32, 32, 3],
        teacherFeatureDim: file.opt.t_dim,
      });
      const executable = await engine.compile(program, {
        ...initialState(0),
        ...weights,
        'rrd.embed.weight': toHost(file['embed_s.weight']),
        'rrd.embed.bias': toHost(file['embed_s.bias']),
      });
      await runSteps(file, executable, checks);
      executable.dispose();
    },
  };
}

function experimentOf({ name, opt, steps }: SgdFile, network: string) {
  const rrd = {
    studentTemperature: opt.nce_t_s,
    teacherTemperature: opt.nce_t_t,
    enqueue: 'before',
  };
  return experimentSchema.parse({
    name,
    dataset: 'golden',
    student: { network },
    teacher: { model: 'golden' },
    loss: { rrd },
    bank: { capacity: opt.nce_k, featDim: opt.feat_dim },
    training: {
      epochs: 1,
      batchSize: steps[0]!.label.shape[0],
      momentum: opt.momentum,
      weightDecay: opt.weight_decay,
    },
  });
}

async function runSteps(
  file: SgdFile,
  executable: Awaited<ReturnType<Engine['compile']>>,
  checks: Checks,
): Promise<void> {
  const { queue_init: queueInit, opt } = file;
  const queue = FifoQueue.restore({
    rows: Float32Array.from(queueInit.data),
    featDim: opt.feat_dim,
    pointer: 0,
    version: 0,
  });
  const projection = {
    weight: toHost(file['embed_t.weight']),
    bias: toHost(file['embed_t.bias']),
  };
  for (const [i, step] of file.steps.entries()) {
    const teacherEmbeddings = embed(toHost(step.f_t), projection);
    queue.enqueue(teacherEmbeddings.data as Float32Array);
    const outputs = await executable.run({
      images: channelsLast(toHost(step.input)),
      labels: toHost(step.label),
      teacherEmbeddings,
      queue: { shape: queueInit.shape, data: queue.rows },
      learningRate: { shape: [], data: Float32Array.of(opt.lr) },
    });
    checks.close(`step ${i} CE`, outputs['crossEntropy'], [step.loss_ce]);
    checks.close(`step ${i} RRD`, outputs['rrd'], [step.loss_rrd]);
    checks.that(`step ${i} pointer`, queue.pointer === step.ptr_after);
    compareState(`step ${i}`, step, await executable.readState(), checks);
  }
}

function compareState(
  when: string,
  expected: SgdFile['steps'][number],
  state: NamedHostTensors,
  checks: Checks,
): void {
  for (const [name, norm] of Object.entries(expected.param_norm_after)) {
    const actual = normOf(state[name]!.data);
    checks.near(`${when} |${name}|`, [actual], [norm], 1e-5 * norm);
  }
  const embedding = expected['embed_s.weight_after'].data;
  checks.close(`${when} embed_s`, state['rrd.embed.weight'], embedding);
  const bias = expected['fc.bias_after'].data;
  checks.close(`${when} fc.bias`, state['fc.bias'], bias);
}
