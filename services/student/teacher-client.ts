import type { TeacherOutput } from '#distill/methods/method.js';
import type { DescribeRequest } from '#proto/rrd/v1/DescribeRequest.js';
import type { DescribeResponse__Output } from '#proto/rrd/v1/DescribeResponse.js';
import type { ExtractRequest } from '#proto/rrd/v1/ExtractRequest.js';
import type { ExtractResponse__Output } from '#proto/rrd/v1/ExtractResponse.js';
import type { SampleRefs } from '#proto/rrd/v1/SampleRefs.js';
import {
  DatasetMismatchError,
  DatasetNotFoundError,
  TeacherMismatchError,
} from '#runtime/errors.js';
import {
  connect,
  type CallOptions,
  type RpcClient,
} from '#runtime/rpc/client.js';
import type { ClientTls } from '#runtime/rpc/options.js';
import { fromWire, toWire } from '#runtime/rpc/tensor-codec.js';
import type { ViewSettings } from './batches.js';
import { patiently } from './patiently.js';
import type { BatchRef, Pixels, TeacherOutputs } from './trainer-api.js';

export interface TeacherOptions {
  readonly address: string;
  readonly tls: ClientTls | undefined;
  readonly model: string;
  /** How our end names the samples. */
  readonly dataset: { readonly name: string; readonly digest: string };
  /** Decide the views of training images. */
  readonly views: ViewSettings;
  /** Of embeddings. */
  readonly projection: { readonly seed: number; readonly featDim: number };
  readonly describeMs: number;
  /** One batch, through all retries. */
  readonly extractMs: number;
  /** Rebuilds the views of a batch, for a teacher that cannot. */
  pixelsOf(batch: BatchRef): Promise<Pixels>;
  /** The teacher does not hold our data set: pixels travel from now on. */
  onPixels(reason: DatasetNotFoundError | DatasetMismatchError): void;
}

const service = 'rrd.v1.TeacherService';

const wireOutputs = {
  features: 'TEACHER_OUTPUT_FEATURES',
  logits: 'TEACHER_OUTPUT_LOGITS',
  embeddings: 'TEACHER_OUTPUT_EMBEDDINGS',
} as const satisfies Record<TeacherOutput, string>;

const wireAugmentations = {
  none: 'AUGMENTATION_NONE',
  'crop-flip': 'AUGMENTATION_CROP_FLIP',
  'random-resized-crop': 'AUGMENTATION_RANDOM_RESIZED_CROP',
} as const satisfies Record<ViewSettings['augmentation'], string>;

/**
 * The run's frozen teacher. Samples travel as references; a teacher that has
 * no such data set, or decodes it to other pixels, is sent pixels instead.
 * Every answer must come from the teacher that was there at the start.
 */
export class TeacherClient {
  readonly #options: TeacherOptions;
  readonly #client: RpcClient<typeof service>;
  readonly #description: DescribeResponse__Output;

  static async open(
    options: TeacherOptions,
    signal: AbortSignal,
  ): Promise<TeacherClient> {
    const { address, tls, model, dataset, describeMs: ms } = options;
    const client = connect(service, address, { tls });
    const describe = (request: DescribeRequest) =>
      patiently({ service, address, ms, signal }, (callOptions) =>
        client.describe({ model, ...request }, callOptions),
      );
    try {
      const { name, digest } = dataset;
      let byReference = true;
      const description = await describe({
        dataset: name,
        datasetDigest: digest,
      }).catch((error: unknown) => {
        options.onPixels(asLackOfData(error));
        byReference = false;
        return describe({});
      });
      return new TeacherClient(options, client, description, byReference);
    } catch (error) {
      client.close();
      throw error;
    }
  }

  private constructor(
    options: TeacherOptions,
    client: RpcClient<typeof service>,
    description: DescribeResponse__Output,
    private readonly byReference: boolean,
  ) {
    this.#options = options;
    this.#client = client;
    this.#description = description;
  }

  get digest(): string {
    return this.#description.teacherDigest;
  }

  get featureDim(): number {
    return this.#description.featureDim;
  }

  get classCount(): number {
    return this.#description.classCount;
  }

  /** Samples in one call, at most. */
  get maxBatchSize(): number {
    return this.#description.maxBatchSize;
  }

  /** Bytes of messages, both ways. */
  get bytes(): number {
    return this.#client.bytes.sent + this.#client.bytes.received;
  }

  /** Outputs for a batch, in its order. */
  async extract(
    batch: BatchRef,
    outputs: ReadonlySet<TeacherOutput>,
    signal: AbortSignal,
  ): Promise<TeacherOutputs> {
    const { address, extractMs: ms } = this.#options;
    const response = await patiently(
      { service, address, ms, signal },
      async (callOptions) => this.#request(batch, outputs, callOptions),
    );
    if (response.teacherDigest !== this.digest) {
      const actual = response.teacherDigest;
      throw new TeacherMismatchError({ expected: this.digest, actual });
    }
    return this.#read(response, outputs, batch.indices.length);
  }

  close(): void {
    this.#client.close();
  }

  async #request(
    batch: BatchRef,
    outputs: ReadonlySet<TeacherOutput>,
    options: CallOptions,
  ): Promise<ExtractResponse__Output> {
    const common: ExtractRequest = {
      model: this.#options.model,
      teacherDigest: this.digest,
      outputs: [...outputs].map((output) => wireOutputs[output]),
      projection: outputs.has('embeddings') ? this.#options.projection : null,
    };
    if (this.byReference) {
      const refs = this.#refs(batch);
      return this.#client.extract({ ...common, refs }, options);
    }
    const pixels = toWire(await this.#options.pixelsOf(batch));
    return this.#client.extract({ ...common, pixels }, options);
  }

  #refs({ split, indices, epoch }: BatchRef): SampleRefs {
    const { dataset, views } = this.#options;
    return {
      dataset: dataset.name,
      datasetDigest: dataset.digest,
      split: split === 'train' ? 'SPLIT_TRAIN' : 'SPLIT_TEST',
      indices: [...indices],
      augmentation:
        wireAugmentations[epoch === undefined ? 'none' : views.augmentation],
      augmentationSeed: views.seed,
      epoch: epoch ?? 0,
    };
  }

  #read(
    response: ExtractResponse__Output,
    outputs: ReadonlySet<TeacherOutput>,
    count: number,
  ): TeacherOutputs {
    const widths: Record<TeacherOutput, number> = {
      features: this.featureDim,
      logits: this.classCount,
      embeddings: this.#options.projection.featDim,
    };
    const tensors = [...outputs].map((field) => {
      const shape = [count, widths[field]];
      const expected = { field, dataType: 'float32', shape } as const;
      return [field, fromWire(response[field], expected)] as const;
    });
    return Object.fromEntries(tensors);
  }
}

/** An error that pixels help against; any other is thrown again. */
function asLackOfData(error: unknown) {
  if (error instanceof DatasetNotFoundError) return error;
  if (error instanceof DatasetMismatchError) return error;
  throw error;
}
