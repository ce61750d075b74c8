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

/** A square convolution without bias; He's normal initialisation by fan-out. */
export function convLayer(
  name: string,
  input: number,
  output: number,
  size: 1 | 3,
): Layer {
  const weight = float32(output, input, size, size);
  const deviation = Math.sqrt(2 / (output * size * size));
  return {
    parameters: { [`${name}.weight`]: weight },
    buffers: {},
    init: (rng) => ({
      [`${name}.weight`]: drawTensor(
        weight.shape,
        () => rng.normal() * deviation,
      ),
    }),
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

/** A fully connected layer with torch's default weights. */
export function linearLayer(
  name: string,
  input: number,
  output: number,
  bias: 'drawn' | 'zero',
): Layer {
  return {
    parameters: {
      [`${name}.weight`]: float32(output, input),
      [`${name}.bias`]: float32(output),
    },
    buffers: {},
    init: (rng) => {
      const drawn = initLinear(input, output, rng);
      return {
        [`${name}.weight`]: drawn.weight,
        [`${name}.bias`]: bias === 'zero' ? filled(output, 0) : drawn.bias,
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
