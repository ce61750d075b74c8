import { rngFrom, type Rng } from './data/rng.js';
import { drawTensor, type HostTensor } from './tensors.js';

/** z = W h + b, with torch's layout: weight [out, in], bias [out]. */
export interface Linear {
  readonly weight: HostTensor;
  readonly bias: HostTensor;
}

/** torch's default for nn.Linear: weight and bias from U(-1, 1) / sqrt(in). */
export function initLinear(
  inputDim: number,
  outputDim: number,
  rng: Rng,
): Linear {
  const bound = 1 / Math.sqrt(inputDim);
  const next = () => (2 * rng.uniform() - 1) * bound;
  return {
    weight: drawTensor([outputDim, inputDim], next),
    bias: drawTensor([outputDim], next),
  };
}

/**
 * The fixed random projection of a run's teacher features. The reference makes
 * it trainable but detaches every use, so it keeps its initial values: a pure
 * function of the seed and the two widths.
 */
export function projectionFor(
  seed: number,
  teacherFeatureDim: number,
  featDim: number,
): Linear {
  return initLinear(teacherFeatureDim, featDim, rngFrom(seed, 'projection'));
}

/**
 * Embeddings f_t = z / max(|z|, 1e-12) with z = W h + b, row by row.
 *
 * Sums run over the inputs in order in doubles and round to float32 once, so a
 * row's bytes depend on nothing but the row: not on its batch, not on an
 * engine.
 *
 * @param features float32 [N, inputDim]
 * @returns float32 [N, featDim]
 */
export function embed(features: HostTensor, projection: Linear): HostTensor {
  const [featDim, inputDim] = projection.weight.shape as [number, number];
  const [count, width] = features.shape as [number, number];
  if (width !== inputDim) {
    throw new RangeError(`features of width ${width}, expected ${inputDim}`);
  }
  const data = new Float32Array(count * featDim);
  const z = new Float64Array(featDim);
  for (let row = 0; row < count; row++) {
    projectRow(features.data, row * inputDim, projection, z);
    let squares = 0;
    for (const value of z) squares += value * value;
    const norm = Math.max(Math.sqrt(squares), 1e-12);
    for (let k = 0; k < featDim; k++) data[row * featDim + k] = z[k]! / norm;
  }
  return { shape: [count, featDim], data };
}

function projectRow(
  features: HostTensor['data'],
  start: number,
  { weight, bias }: Linear,
  z: Float64Array,
): void {
  const inputDim = weight.shape[1]!;
  for (let k = 0; k < z.length; k++) {
    let sum = 0;
    for (let j = 0; j < inputDim; j++) {
      sum += weight.data[k * inputDim + j]! * features[start + j]!;
    }
    z[k] = sum + bias.data[k]!;
  }
}
