import { createHash } from 'node:crypto';
import type { ImageShape } from '#distill/data/dataset.js';
import { normalize } from '#distill/data/normalize.js';
import { rngFrom } from '#distill/data/rng.js';
import { isMapName } from '#distill/map-names.js';
import type { TeacherTensor } from '#distill/methods/method.js';
import { embed, projectionFor, type Linear } from '#distill/projection.js';
import { sizeOf, type HostTensor } from '#distill/tensors.js';
import type { ModelInferResponse__Output } from '#proto/inference/ModelInferResponse.js';
import {
  BatchShapeError,
  ConfigInvalidError,
  InvalidRequestError,
  TeacherMismatchError,
} from '#runtime/errors.js';
import {
  connect,
  type CallOptions,
  type ClientTls,
  type RpcClient,
} from '#runtime/rpc/client.js';
import { tensorOf, textParameter } from '#runtime/rpc/infer-codec.js';
import { fromWire } from '#runtime/rpc/tensor-codec.js';
import type { TeacherDescription, TeacherDoor } from './teacher-door.js';
import type { TeacherTask } from './teacher-service-client.js';
import type { BatchRef, Pixels, TeacherOutputs } from './trainer-api.js';

const service = 'inference.GRPCInferenceService';

/** How a model of another server is used as a teacher. */
export interface InferenceSettings {
  /** Names of its outputs: FP32 [N, featureDim] and [N, classCount]. */
  readonly features: string;
  readonly logits: string;
  /** Samples in one call, at most: the protocol does not say. */
  readonly maxBatchSize: number;
}

/** What is known of a model once it has been asked. */
interface Model {
  readonly input: string;
  /** UINT8 pixels, or FP32: normalised as the data set says. */
  readonly datatype: 'UINT8' | 'FP32';
  readonly channelsFirst: boolean;
  readonly description: TeacherDescription;
  readonly projection: Linear;
}

const probeCount = 2;

/**
 * A teacher that speaks the Open Inference Protocol: KServe, Triton and their
 * like, or our own. It is sent pixels; the projection is ours to apply.
 */
export class InferenceClient implements TeacherDoor {
  readonly #client: RpcClient<typeof service>;
  #described: Model | undefined;

  constructor(
    private readonly task: TeacherTask,
    private readonly settings: InferenceSettings,
    address: string,
    tls: ClientTls | undefined,
  ) {
    this.#client = connect(service, address, { tls });
  }

  get bytes(): number {
    return this.#client.bytes.sent + this.#client.bytes.received;
  }

  /**
   * The digest is the server's own, if it gives one, or that of its answer to
   * fixed images: such a teacher is what it computes.
   * @throws ConfigInvalidError if maps are needed
   * @throws BatchShapeError for a model that takes no images of the run's shape
   */
  async describe(options: CallOptions): Promise<TeacherDescription> {
    const { model: name, projection, maps } = this.task;
    if (maps) throw withoutMaps();
    const metadata = await this.#client.modelMetadata({ name }, options);
    const input = this.#inputOf(metadata.inputs);
    const { features, logits } = this.settings;
    const probe = probeImages(this.task.dataset.imageShape);
    const answer = await this.#infer(input, probe, [features, logits], options);
    const [f, l] = [features, logits].map((output) =>
      read(answer, output, [probeCount, null]),
    ) as [HostTensor, HostTensor];
    const featureDim = f.shape[1]!;
    const description = {
      digest: digestOf(answer) || probeDigest(metadata, [f, l]),
      ...{ featureDim, classCount: l.shape[1]! },
      maxBatchSize: this.settings.maxBatchSize,
      mapShapes: [],
    };
    this.#described = {
      ...input,
      description,
      projection: projectionFor(
        projection.seed,
        featureDim,
        projection.featDim,
      ),
    };
    return description;
  }

  async extract(
    batch: BatchRef,
    outputs: ReadonlySet<TeacherTensor>,
    options: CallOptions,
  ): Promise<TeacherOutputs> {
    const model = this.#described;
    if (!model) throw new Error('describe comes first');
    const { features, logits } = this.settings;
    const names = new Set([...outputs].map((o) => this.#nameOf(o)));
    const pixels = await this.task.pixelsOf(batch);
    const answer = await this.#infer(model, pixels, [...names], options);
    this.#checkDigest(answer, model.description.digest);
    const count = batch.indices.length;
    const { featureDim, classCount } = model.description;
    const rows = names.has(features)
      ? read(answer, features, [count, featureDim])
      : undefined;
    return {
      ...(outputs.has('features') && rows && { features: rows }),
      ...(outputs.has('embeddings') &&
        rows && { embeddings: embed(rows, model.projection) }),
      ...(outputs.has('logits') && {
        logits: read(answer, logits, [count, classCount]),
      }),
    };
  }

  close(): void {
    this.#client.close();
  }

  /** Embeddings are made of features, by us. */
  #nameOf(output: TeacherTensor): string {
    if (isMapName(output)) throw withoutMaps();
    switch (output) {
      case 'features':
      case 'embeddings':
        return this.settings.features;
      case 'logits':
        return this.settings.logits;
      default: {
        const expected = 'features, logits or embeddings, over this protocol';
        const value: string = output;
        throw new InvalidRequestError({ field: 'outputs', value, expected });
      }
    }
  }

  #infer(
    {
      input,
      datatype,
      channelsFirst,
    }: Omit<Model, 'description' | 'projection'>,
    { shape, data }: Pixels,
    outputs: readonly string[],
    options: CallOptions,
  ): Promise<ModelInferResponse__Output> {
    const { dataset, model } = this.task;
    const values =
      datatype === 'UINT8' ? data : normalize(data, dataset.normalization);
    const placed = channelsFirst ? channelsFirstOf(values, shape) : values;
    const [n, h, w, c] = shape as [number, number, number, number];
    const request = {
      modelName: model,
      inputs: [
        {
          ...{ name: input, datatype },
          shape: channelsFirst ? [n, c, h, w] : [n, h, w, c],
        },
      ],
      outputs: outputs.map((name) => ({ name })),
      rawInputContents: [
        Buffer.from(placed.buffer, placed.byteOffset, placed.byteLength),
      ],
    };
    return this.#client.modelInfer(request, options);
  }

  /** The one input, if it takes the run's images in a way that we know. */
  #inputOf(
    inputs: readonly { name: string; datatype: string; shape: number[] }[],
  ) {
    const { imageShape } = this.task.dataset;
    const [h, w, c] = imageShape;
    const [only] = inputs;
    const shape = only?.shape.slice(-3) ?? [];
    const takes = (wanted: readonly number[]) =>
      inputs.length === 1 &&
      wanted.every((size, i) => shape[i] === size || shape[i] === -1);
    const datatype = only?.datatype;
    const channelsFirst = !takes(imageShape) && takes([c, h, w]);
    if (only && (channelsFirst || takes(imageShape))) {
      if (datatype === 'UINT8' || datatype === 'FP32') {
        return { input: only.name, datatype, channelsFirst } as const;
      }
    }
    throw new BatchShapeError({
      field: `inputs of ${this.task.model}`,
      expected: `one, UINT8 or FP32 [-1, ${imageShape.join(', ')}] or [-1, ${c}, ${h}, ${w}]`,
      actual: inputs.map((i) => `${i.datatype} [${i.shape.join(', ')}]`).join(),
    });
  }

  #checkDigest(answer: ModelInferResponse__Output, expected: string): void {
    const actual = digestOf(answer);
    if (actual === '' || actual === expected) return;
    const source = this.#client.address;
    throw new TeacherMismatchError({ source, expected, actual });
  }
}

function digestOf({ parameters }: ModelInferResponse__Output): string {
  return textParameter(parameters, 'rrd_teacher_digest');
}

/** An output by its name, wherever the server has put it. */
function read(
  { outputs, rawOutputContents }: ModelInferResponse__Output,
  name: string,
  shape: readonly (number | null)[],
): HostTensor {
  const at = outputs.findIndex((output) => output.name === name);
  const output = outputs[at];
  const tensor = output && tensorOf(output, rawOutputContents[at]);
  return fromWire(tensor, { field: name, dataType: 'float32', shape });
}

/** [N, H, W, C] -> [N, C, H, W] */
function channelsFirstOf<Values extends Uint8Array | Float32Array>(
  values: Values,
  [n, h, w, c]: readonly number[],
): Values {
  const out = values.slice() as Values;
  const area = h! * w!;
  for (let image = 0; image < n!; image++) {
    const start = image * area * c!;
    for (let i = 0; i < area * c!; i++) {
      out[start + (i % c!) * area + Math.floor(i / c!)] = values[start + i]!;
    }
  }
  return out;
}

/** The same noise for every teacher. */
function probeImages(imageShape: ImageShape): Pixels {
  const rng = rngFrom(0, 'teacher-probe');
  const shape = [probeCount, ...imageShape];
  const data = Uint8Array.from({ length: sizeOf(shape) }, () =>
    rng.integer(256),
  );
  return { shape, data };
}

function probeDigest(metadata: object, answers: readonly HostTensor[]): string {
  const hash = createHash('sha256').update(JSON.stringify(metadata));
  for (const { data } of answers) hash.update(data);
  return hash.digest('hex');
}

function withoutMaps() {
  return new ConfigInvalidError({
    ...{ source: 'student settings', line: 0, field: 'teacherProtocol' },
    value: 'kserve',
    expected: "rrd for terms that read the teacher's maps",
  });
}
