import type { Dataset } from '#distill/data/dataset.js';
import { normalize } from '#distill/data/normalize.js';
import { createForwardProgram } from '#distill/forward-program.js';
import type { Network } from '#distill/models/network.js';
import {
  type HostTensor,
  type NamedHostTensors,
  sizeOf,
} from '#distill/tensors.js';
import type { Engine, Executable } from './compute/engine.js';

/** Images in one call of the engine. */
export const forwardBatchSize = 128;
const batchSize = forwardBatchSize;

/** What a network says about images, rows in their order. */
export interface Outputs {
  /** [count, featureDim] */
  readonly features: HostTensor;
  /** [count, classCount] */
  readonly logits: HostTensor;
}

type Images = Pick<Dataset, 'imageShape' | 'normalization'>;

/** A network in eval mode on an engine, for any number of images. */
export class Forward {
  private constructor(
    private readonly images: Images,
    private readonly executable: Executable,
  ) {}

  /** @param state parameters and buffers of the network */
  static async create(
    engine: Engine,
    network: Network,
    images: Images,
    state: NamedHostTensors,
  ): Promise<Forward> {
    const program = createForwardProgram(network, images.imageShape, batchSize);
    return new Forward(images, await engine.compile(program, state));
  }

  async load(state: NamedHostTensors): Promise<void> {
    await this.executable.writeState(state);
  }

  /** @param pixels uint8 [count, H, W, C] */
  async run(pixels: Uint8Array): Promise<Outputs> {
    const imageBytes = sizeOf(this.images.imageShape);
    const count = pixels.length / imageBytes;
    const parts: Outputs[] = [];
    for (let first = 0; first < count; first += batchSize) {
      const end = Math.min(first + batchSize, count);
      const part = pixels.subarray(first * imageBytes, end * imageBytes);
      parts.push(await this.#batch(part, end - first));
    }
    return {
      features: joined(parts.map(({ features }) => features)),
      logits: joined(parts.map(({ logits }) => logits)),
    };
  }

  /** The outputs for the test split, or for some of its images, in order. */
  async test(dataset: Dataset, indices?: readonly number[]): Promise<Outputs> {
    const parts: Outputs[] = [];
    for await (const part of this.testBatches(dataset, indices))
      parts.push(part);
    return {
      features: joined(parts.map(({ features }) => features)),
      logits: joined(parts.map(({ logits }) => logits)),
    };
  }

  /** The same in batches, for who keeps less of them. */
  async *testBatches(
    dataset: Dataset,
    indices = spread(Infinity, dataset.split('test').size),
  ): AsyncGenerator<Outputs> {
    const split = dataset.split('test');
    for (let first = 0; first < indices.length; first += batchSize) {
      const batch = indices.slice(first, first + batchSize);
      yield await this.#batch(await split.images(batch), batch.length);
    }
  }

  /** A small batch is filled up with zeros: a program's shapes are fixed. */
  async #batch(pixels: Uint8Array, count: number): Promise<Outputs> {
    const shape = [batchSize, ...this.images.imageShape];
    const data = new Float32Array(sizeOf(shape));
    data.set(normalize(pixels, this.images.normalization));
    const outputs = await this.executable.run({ images: { shape, data } });
    return {
      features: rows(outputs['features']!, count),
      logits: rows(outputs['logits']!, count),
    };
  }
}

/** Up to `count` of the numbers below `size`, evenly spread over them. */
export function spread(count: number, size: number): readonly number[] {
  const length = Math.min(count, size);
  return Array.from({ length }, (_, i) => Math.floor((i * size) / length));
}

function rows({ shape: [, width = 0], data }: HostTensor, count: number) {
  return { shape: [count, width], data: data.slice(0, count * width) };
}

function joined(parts: readonly HostTensor[]): HostTensor {
  const width = parts[0]?.shape[1] ?? 0;
  const count = parts.reduce((sum, { shape }) => sum + shape[0]!, 0);
  const data = new Float32Array(count * width);
  let start = 0;
  for (const part of parts) {
    data.set(part.data, start);
    start += part.data.length;
  }
  return { shape: [count, width], data };
}
