import type { Rng } from '../data/rng.js';
import { initLinear } from '../projection.js';
import {
  drawTensor,
  type HostTensor,
  type NamedHostTensors,
  type NamedSpecs,
  type TensorSpec,
} from '../tensors.js';

/** The tensors of a layer, or of a whole network: names, shapes, first values. */
export interface Layer {
  readonly parameters: NamedSpecs;
  readonly buffers: NamedSpecs;
  init(rng: Rng): NamedHostTensors;
}

function float32(...shape: number[]): TensorSpec {
  return { shape, dataType: 'float32' };
}

function filled(size: number, value: number): HostTensor {
  return { shape: [size], data: new Float32Array(size).fill(value) };
}

/**
 * A square convolution without bias: `he` draws by He's normal initialisation
 * by fan-out, `drawn` as torch does, from U(-1, 1) / sqrt(fan-in).
 */
export function convLayer(
  name: string,
  input: number,
  output: number,
  size: 1 | 3 | 7,
  { groups = 1, start = 'he' } = {},
): Layer {
  const weight = float32(output, input / groups, size, size);
  const deviation = Math.sqrt(2 / (output * size * size));
  const bound = 1 / Math.sqrt((input / groups) * size * size);
  const next = (rng: Rng) =>
    start === 'he' ? rng.normal() * deviation : (2 * rng.uniform() - 1) * bound;
  return {
    parameters: { [`${name}.weight`]: weight },
    buffers: {},
    init: (rng) => ({
      [`${name}.weight`]: drawTensor(weight.shape, () => next(rng)),
    }),
  };
}

/** The bias of a convolution; zero at first. */
export function biasLayer(name: string, channels: number): Layer {
  return {
    parameters: { [`${name}.bias`]: float32(channels) },
    buffers: {},
    init: () => ({ [`${name}.bias`]: filled(channels, 0) }),
  };
}

/** Batch norm that starts as the identity. */
export function batchNormLayer(name: string, channels: number): Layer {
  const vector = float32(channels);
  return {
    parameters: { [`${name}.weight`]: vector, [`${name}.bias`]: vector },
    buffers: {
      [`${name}.running_mean`]: vector,
      [`${name}.running_var`]: vector,
      [`${name}.num_batches_tracked`]: { shape: [], dataType: 'int32' },
    },
    init: () => ({
      [`${name}.weight`]: filled(channels, 1),
      [`${name}.bias`]: filled(channels, 0),
      [`${name}.running_mean`]: filled(channels, 0),
      [`${name}.running_var`]: filled(channels, 1),
      [`${name}.num_batches_tracked`]: { shape: [], data: new Int32Array(1) },
    }),
  };
}

/**
 * A fully connected layer: `drawn` as torch does, `zero`: but with a bias of
 * zero, `small`: normal weights of deviation 0.01 and a bias of zero.
 */
export function linearLayer(
  name: string,
  input: number,
  output: number,
  start: 'drawn' | 'zero' | 'small',
): Layer {
  const shape = [output, input];
  return {
    parameters: {
      [`${name}.weight`]: float32(...shape),
      [`${name}.bias`]: float32(output),
    },
    buffers: {},
    init: (rng) => {
      const { weight, bias } =
        start === 'small'
          ? {
              weight: drawTensor(shape, () => rng.normal() * 0.01),
              bias: filled(output, 0),
            }
          : initLinear(input, output, rng);
      return {
        [`${name}.weight`]: weight,
        [`${name}.bias`]: start === 'drawn' ? bias : filled(output, 0),
      };
    },
  };
}

/** Many layers as one; values are drawn in the order given. */
export function joinLayers(layers: readonly Layer[]): Layer {
  const merge = <T>(part: (layer: Layer) => Readonly<Record<string, T>>) =>
    Object.assign({}, ...layers.map(part)) as Record<string, T>;
  return {
    parameters: merge((layer) => layer.parameters),
    buffers: merge((layer) => layer.buffers),
    init: (rng) => merge((layer) => layer.init(rng)),
  };
}
