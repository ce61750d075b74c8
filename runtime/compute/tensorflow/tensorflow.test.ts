import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { createNetwork } from '#distill/models/index.js';
import { batchNorm } from '#distill/ops/batch-norm.js';
import { convPrecisions } from '#distill/ops/autocast.js';
import { relu } from '#distill/ops/relu.js';
import { sizeOf, type NamedHostTensors } from '#distill/tensors.js';
import { createTrainProgram } from '#distill/train-program.js';
import { createEngine } from '../index.js';
import { tensorflowProvider } from './index.js';

const problem = await tensorflowProvider.missing();
const title = `tensorflow${problem ? ` (${problem})` : ''}`;

describe.skipIf(problem)(title, () => {
  it.each(convPrecisions)(
    'holds no more after 1,000 steps in %s than after one',
    async (precision) => {
      const engine = await tensorflowProvider.create();
      const { program, initialState } = createTrainProgram({
        network: createNetwork('resnet8', 3),
        experiment: {
          loss: {
            crossEntropy: 1,
            rrd: {
              weight: 1,
              studentTemperature: 0.1,
              teacherTemperature: 0.02,
              enqueue: 'before',
            },
          },
          bank: { capacity: 8, featDim: 4 },
          training: {
            batchSize: 2,
            momentum: 0.9,
            weightDecay: 5e-4,
            precision,
          },
        },
        imageShape: [8, 8, 3],
        teacherFeatureDim: 4,
      });
      const inputs: NamedHostTensors = Object.fromEntries(
        Object.entries(program.inputs).map(([name, { shape, dataType }]) => {
          const Data = dataType === 'int32' ? Int32Array : Float32Array;
          const data = new Data(sizeOf(shape)).map((_, i) => i % 3);
          return [name, { shape, data }];
        }),
      );
      const executable = await engine.compile(program, initialState(1));
      await executable.run(inputs);
      const { numTensors, numBytes } = tf.memory();
      const entries = tf.backend().numDataIds();
      const before = nativeBytes();
      for (let step = 0; step < 1_000; step++) await executable.run(inputs);
      // What has no tensor of TensorFlow.js is seen here only: a bfloat16 handle
      // that is never freed costs 670 MB in these steps.
      expect(nativeBytes() - before).toBeLessThan(200e6);
      expect(tf.memory()).toMatchObject({ numTensors, numBytes });
      expect(tf.backend().numDataIds()).toBe(entries);
      executable.dispose();
      await engine.dispose();
    },
    120_000,
  );

  it('runs batch norm and the gradient of ReLU as fused operations', async () => {
    // What the compositions run, and cpu has nothing else.
    const parts = ['AvgPool', 'Rsqrt', 'Step'];
    expect(await kernelsOn('cpu')).toEqual(expect.arrayContaining(parts));
    const names = await kernelsOn('tensorflow');
    expect(names).toContain('BatchNormOwnGrad');
    expect(parts.filter((part) => names.includes(part))).toEqual([]);
  });
});

/** Resident, without V8's heap, which grows and shrinks as it likes. */
function nativeBytes(): number {
  const { rss, heapTotal } = process.memoryUsage();
  return rss - heapTotal;
}

/** The kernels of a batch norm with ReLU and its gradient. */
async function kernelsOn(engineName: 'cpu' | 'tensorflow'): Promise<string[]> {
  const engine = await createEngine(engineName);
  const lossOf = (x: tf.Tensor): tf.Tensor => {
    const tensors = {
      'bn.weight': tf.tensor1d([1.5, -0.5]),
      'bn.bias': tf.tensor1d([0.25, 2]),
      'bn.running_mean': tf.zeros([2]),
      'bn.running_var': tf.ones([2]),
      'bn.num_batches_tracked': tf.scalar(0, 'int32'),
    };
    const { output } = batchNorm(x as tf.Tensor4D, tensors, 'bn', 'train');
    return tf.sum(relu(output));
  };
  const { kernelNames } = await tf.profile(() =>
    tf.tidy(() => tf.grad(lossOf)(tf.ones([3, 2, 2, 2]))),
  );
  await engine.dispose();
  return kernelNames;
}
