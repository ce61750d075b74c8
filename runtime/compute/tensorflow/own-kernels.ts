import type * as tf from '@tensorflow/tfjs-core';
import type { RunningAttributes } from '#distill/ops/batch-norm.js';
import type { SgdAttributes } from '#distill/optimiser.js';
import { operationsOn } from './operation.js';
import type { NodeBackend } from './tfjs-node.js';

type Inputs<Name extends string> = Record<Name, tf.Tensor>;
type Layer = Inputs<'x' | 'weight' | 'bias'>;
type Given = Layer & Inputs<'mean' | 'variance'>;
type Differentiated = Inputs<'dy' | 'x' | 'weight' | 'mean' | 'variance'>;

/** By our own operations on processors (native/ops.cc). */
export function ownKernels(backend: NodeBackend) {
  const run = operationsOn(backend);
  const norm = (tail: string, residual: tf.Tensor, layer: Layer) => {
    const { x, weight, bias } = layer;
    const inputs = [x, residual, weight, bias];
    return run('RrdBatchNorm', { tail: { string: tail } }, inputs, 3);
  };
  /** [dx, dweight, dbias, dresidual] */
  const normGradient = (tail: string, y: tf.Tensor, layer: Differentiated) => {
    const { dy, x, weight, mean, variance } = layer;
    const inputs = [dy, y, x, weight, mean, variance];
    return run('RrdBatchNormGrad', { tail: { string: tail } }, inputs, 4);
  };
  const normByGiven = (tail: string, residual: tf.Tensor, layer: Given) => {
    const { x, weight, bias, mean, variance } = layer;
    const inputs = [x, residual, weight, bias, mean, variance];
    return run('RrdBatchNormGiven', { tail: { string: tail } }, inputs, 1);
  };
  const transpose = (outputs: string, from: tf.Tensor) =>
    run('RrdTransposeFilter', { outputs: { string: outputs } }, [from], 1);
  return {
    // What a tail does not read may be any tensor.
    BatchNormOwn: (layer: Layer) => norm('none', layer.x, layer),
    BatchNormOwnRelu: (layer: Layer) => norm('relu', layer.x, layer),
    BatchNormOwnAddRelu: ({ residual, ...layer }: Layer & Inputs<'residual'>) =>
      norm('add_relu', residual, layer),
    BatchNormGiven: (layer: Given) => normByGiven('none', layer.x, layer),
    BatchNormGivenRelu: (layer: Given) => normByGiven('relu', layer.x, layer),
    BatchNormGivenAddRelu: ({
      residual,
      ...layer
    }: Given & Inputs<'residual'>) => normByGiven('add_relu', residual, layer),
    BatchNormOwnGrad: (layer: Differentiated) =>
      normGradient('none', layer.dy, layer).slice(0, 3),
    BatchNormOwnReluGrad: ({ y, ...layer }: Differentiated & Inputs<'y'>) =>
      normGradient('relu', y, layer).slice(0, 3),
    BatchNormOwnAddReluGrad: ({ y, ...layer }: Differentiated & Inputs<'y'>) =>
      normGradient('add_relu', y, layer),
    RunningStatistics: (
      inputs: Inputs<'runningMean' | 'runningVariance' | 'mean' | 'variance'>,
      { momentum, samples }: RunningAttributes,
    ) =>
      run(
        'RrdRunningStatistics',
        {
          momentum: { float: momentum },
          unbias: { float: samples / (samples - 1) },
        },
        [
          ...[inputs.runningMean, inputs.runningVariance],
          ...[inputs.mean, inputs.variance],
        ],
        2,
      ),
    Sgd(
      inputs: Inputs<string>,
      { momentum, weightDecay, count }: SgdAttributes,
    ) {
      const all = (name: string) =>
        Array.from({ length: count }, (_, i) => inputs[`${name}.${i}`]!);
      return run(
        'RrdSgd',
        {
          N: { int: count },
          momentum: { float: momentum },
          weight_decay: { float: weightDecay },
        },
        [
          inputs['rate']!,
          ...[...all('weight'), ...all('gradient'), ...all('velocity')],
        ],
        2 * count,
      );
    },
    FilterToLast: ({ weight }: Inputs<'weight'>) => transpose('last', weight),
    FilterToFirst: ({ filter }: Inputs<'filter'>) => transpose('first', filter),
  };
}
