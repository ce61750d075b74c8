import { rngFrom } from '#distill/data/rng.js';
import {
  type HostTensor,
  type NamedHostTensors,
  type NamedSpecs,
  sizeOf,
  type TensorSpec,
} from '#distill/tensors.js';

export interface NoiseOptions {
  readonly classCount: number;
  /** Width of embeddings, whose rows get a length of about 1. */
  readonly featDim: number;
  /** Rows of memories of all samples. */
  readonly sampleCount?: number;
}

/** Inputs of a training step, the same in each run. */
export function noiseFor(
  inputs: NamedSpecs,
  options: NoiseOptions,
): NamedHostTensors {
  const entries = Object.entries(inputs).map(
    ([name, spec]) => [name, noiseOf(name, spec, options)] as const,
  );
  return Object.fromEntries(entries);
}

/** Pixels of deviation 1, any class, any sample, a rate of 0.05. */
function noiseOf(
  name: string,
  { shape }: TensorSpec,
  { classCount, featDim, sampleCount = 0 }: NoiseOptions,
): HostTensor {
  const rng = rngFrom(1, 'bench', name);
  const length = sizeOf(shape);
  const integers = (bound: number) =>
    Int32Array.from({ length }, () => rng.integer(bound));
  if (name === 'learningRate') return { shape, data: Float32Array.of(0.05) };
  if (name === 'labels') return { shape, data: integers(classCount) };
  if (name === 'contrast') return { shape, data: integers(sampleCount) };
  const deviation = name === 'images' ? 1 : featDim ** -0.5;
  const data = new Float32Array(length);
  for (let i = 0; i < length; i++) data[i] = rng.normal() * deviation;
  return { shape, data };
}
