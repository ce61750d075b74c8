import * as tf from '@tensorflow/tfjs-core';
import { crossEntropy } from '#distill/losses/cross-entropy.js';
import type { Mode, Network } from '#distill/models/network.js';
import type { Program } from '#distill/program.js';
import type { NamedHostTensors, NamedTensors } from '#distill/tensors.js';
import type { Engine } from '#runtime/compute/engine.js';

export interface NetworkRun {
  readonly network: Network;
  readonly state: NamedHostTensors;
  /** `images` [N, H, W, C] and, where there is a loss, `labels` [N]. */
  readonly inputs: NamedHostTensors;
  readonly mode: Mode;
  /** Differentiate the cross-entropy by all parameters and the images. */
  readonly gradients: boolean;
}

/**
 * One pass of a network on an engine.
 *
 * @returns `logits`, `features`, `map.<i>` and `preactivation.<i>` [N, C, H,
 *   W] as torch has them, new running statistics by name, and with gradients `loss`, `grad.<parameter>`
 *   and `grad.images` [N, C, H, W]
 */
export async function runNetwork(
  engine: Engine,
  run: NetworkRun,
): Promise<NamedHostTensors> {
  const { network, state, inputs } = run;
  const { shape } = inputs['images']!;
  const program: Program = {
    name: `golden ${network.name}`,
    state: { ...network.parameters, ...network.buffers },
    inputs: {
      images: { shape, dataType: 'float32' },
      ...(run.gradients && {
        labels: { shape: [shape[0]!], dataType: 'int32' },
      }),
    },
    run: (tensors, given) => ({
      state: {},
      outputs: run.gradients
        ? { ...forward(run, tensors, given), ...backward(run, tensors, given) }
        : forward(run, tensors, given),
    }),
  };
  const executable = await engine.compile(program, state);
  try {
    return await executable.run(inputs);
  } finally {
    executable.dispose();
  }
}

function forward(
  { network, mode }: NetworkRun,
  state: NamedTensors,
  inputs: NamedTensors,
): NamedTensors {
  const images = inputs['images'] as tf.Tensor4D;
  const output = network.forward(state, images, mode);
  const { logits, features, buffers } = output;
  return {
    ...{ logits, features, ...buffers },
    ...torchMaps('map', output.maps),
    ...torchMaps('preactivation', output.preactivations()),
  };
}

function torchMaps(name: string, maps: readonly tf.Tensor4D[]): NamedTensors {
  const named = maps.map(
    (map, i) => [`${name}.${i}`, tf.transpose(map, [0, 3, 1, 2])] as const,
  );
  return Object.fromEntries(named);
}

function backward(
  { network, mode }: NetworkRun,
  state: NamedTensors,
  inputs: NamedTensors,
): NamedTensors {
  const names = Object.keys(network.parameters);
  const loss = (...values: tf.Tensor[]) => {
    const [images, ...weights] = values as [tf.Tensor4D, ...tf.Tensor[]];
    const own = names.map((name, i) => [name, weights[i]!] as const);
    const tensors = { ...state, ...Object.fromEntries(own) };
    const { logits } = network.forward(tensors, images, mode);
    return crossEntropy(logits, inputs['labels'] as tf.Tensor1D);
  };
  const { value, grads } = tf.valueAndGrads(loss)([
    inputs['images']!,
    ...names.map((name) => state[name]!),
  ]);
  const entries = names.map((name, i) => [`grad.${name}`, grads[i + 1]!]);
  return {
    loss: value,
    'grad.images': tf.transpose(grads[0]!, [0, 3, 1, 2]),
    ...(Object.fromEntries(entries) as NamedTensors),
  };
}
