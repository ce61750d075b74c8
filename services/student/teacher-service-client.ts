import type { Dataset } from '#distill/data/dataset.js';
import { isMapName, partsOf } from '#distill/map-names.js';
import type {
  MapKind,
  MapName,
  MapShape,
  TeacherOutput,
  TeacherTensor,
} from '#distill/methods/method.js';
import { decodeRows, type Precision } from '#distill/precision.js';
import type { HostTensor } from '#distill/tensors.js';
import type { DescribeRequest } from '#proto/rrd/v1/DescribeRequest.js';
import type { DescribeResponse__Output } from '#proto/rrd/v1/DescribeResponse.js';
import type { ExtractRequest } from '#proto/rrd/v1/ExtractRequest.js';
import type { ExtractResponse__Output } from '#proto/rrd/v1/ExtractResponse.js';
import type { SampleRefs } from '#proto/rrd/v1/SampleRefs.js';
import type { Tensor__Output } from '#proto/rrd/v1/Tensor.js';
import {
  DatasetMismatchError,
  DatasetNotFoundError,
  TeacherMismatchError,
} from '#runtime/errors.js';
import {
  connect,
  type CallOptions,
  type ClientTls,
  type RpcClient,
} from '#runtime/rpc/client.js';
import { fromWire, toWire } from '#runtime/rpc/tensor-codec.js';
import { toWirePrecision } from '#runtime/rpc/wire-precision.js';
import { wireAugmentations, wireSplits } from '#runtime/rpc/wire-views.js';
import { viewSeedOf, type ViewSettings } from './batches.js';
import type { TeacherDescription, TeacherDoor } from './teacher-door.js';
import type { BatchRef, Pixels, TeacherOutputs } from './trainer-api.js';

/** What a run wants of its teacher, whoever that is. */
export interface TeacherTask {
  /** Who asks: clients take turns at a teacher. */
  readonly client: string;
  readonly model: string;
  /** The samples, as our end has them. */
  readonly dataset: Pick<
    Dataset,
    'name' | 'digest' | 'imageShape' | 'normalization'
  >;
  /** Decide the views of training images. */
  readonly views: ViewSettings;
  /** Of embeddings. */
  readonly projection: { readonly seed: number; readonly featDim: number };
  /** Whether its maps are going to be asked for. */
  readonly maps: boolean;
  /** What the teacher rounds them to. */
  readonly mapPrecision: Precision;
  /** Rebuilds the views of a batch, for a teacher that cannot. */
  pixelsOf(batch: BatchRef): Promise<Pixels>;
  /** A teacher does not hold our data set: it is sent pixels from now on. */
  onPixels(reason: DatasetNotFoundError | DatasetMismatchError): void;
}

export const teacherService = 'rrd.v1.TeacherService';

const wireOutputs = {
  features: 'TEACHER_OUTPUT_FEATURES',
  logits: 'TEACHER_OUTPUT_LOGITS',
  embeddings: 'TEACHER_OUTPUT_EMBEDDINGS',
  maps: 'TEACHER_OUTPUT_MAPS',
  preactivations: 'TEACHER_OUTPUT_PREACTIVATIONS',
} as const satisfies Record<TeacherOutput | MapKind, string>;

/**
 * A teacher that speaks our own contract. Samples travel as references; mixed
 * ones as pixels, and all of them to a teacher that has no such data set or
 * decodes it to other pixels.
 */
export class TeacherServiceClient implements TeacherDoor {
  readonly #task: TeacherTask;
  readonly #client: RpcClient<typeof teacherService>;
  #described: DescribeResponse__Output | undefined;
  #mapShapes: readonly MapShape[] = [];
  #byReference = true;

  constructor(task: TeacherTask, address: string, tls: ClientTls | undefined) {
    this.#task = task;
    this.#client = connect(teacherService, address, { tls });
  }

  get bytes(): number {
    return this.#client.bytes.sent + this.#client.bytes.received;
  }

  async describe(options: CallOptions): Promise<TeacherDescription> {
    const { model, dataset, maps: mapShapes } = this.#task;
    const { name, digest: datasetDigest } = dataset;
    const describe = (request: DescribeRequest) =>
      this.#client.describe({ model, mapShapes, ...request }, options);
    this.#byReference = true;
    const described = await describe({ dataset: name, datasetDigest }).catch(
      (error: unknown) => {
        this.#task.onPixels(asLackOfData(error));
        this.#byReference = false;
        return describe({});
      },
    );
    this.#described = described;
    const { teacherDigest: digest } = described;
    const { featureDim, classCount, maxBatchSize } = described;
    this.#mapShapes = described.mapShapes.map(
      ({ height, width, channels }) => [height, width, channels] as const,
    );
    return {
      ...{ digest, featureDim, classCount, maxBatchSize },
      mapShapes: this.#mapShapes,
    };
  }

  async extract(
    batch: BatchRef,
    outputs: ReadonlySet<TeacherTensor>,
    options: CallOptions,
  ): Promise<TeacherOutputs> {
    const { teacherDigest: expected } = this.#identity;
    const mapIndices = indicesOf(outputs);
    const mapPrecision = toWirePrecision(this.#task.mapPrecision);
    const request: ExtractRequest = {
      model: this.#task.model,
      client: this.#task.client,
      teacherDigest: expected,
      outputs: [...new Set([...outputs].map(wireOutputOf))],
      mapIndices,
      ...(mapIndices.length > 0 && { mapPrecision }),
      projection: outputs.has('embeddings') ? this.#task.projection : null,
      ...(this.#byReference && !isMixed(batch)
        ? { refs: this.#refs(batch) }
        : { pixels: toWire(await this.#task.pixelsOf(batch)) }),
    };
    const response = await this.#client.extract(request, options);
    const actual = response.teacherDigest;
    if (actual !== expected) {
      const source = this.#client.address;
      throw new TeacherMismatchError({ source, expected, actual });
    }
    return this.#read(response, outputs, batch.indices.length);
  }

  close(): void {
    this.#client.close();
  }

  #refs(batch: BatchRef): SampleRefs {
    const { split, indices, epoch } = batch;
    const { dataset, views } = this.#task;
    return {
      dataset: dataset.name,
      datasetDigest: dataset.digest,
      split: wireSplits[split],
      indices: [...indices],
      augmentation:
        wireAugmentations[epoch === undefined ? 'none' : views.augmentation],
      augmentationSeed: viewSeedOf(views, batch),
      epoch: epoch ?? 0,
    };
  }

  #read(
    response: ExtractResponse__Output,
    outputs: ReadonlySet<TeacherTensor>,
    count: number,
  ): TeacherOutputs {
    const { featureDim, classCount } = this.#identity;
    const widths: Record<TeacherOutput, number> = {
      features: featureDim,
      logits: classCount,
      embeddings: this.#task.projection.featDim,
    };
    const mapIndices = indicesOf(outputs);
    const tensors = [...outputs].map((field) => {
      if (!isMapName(field)) {
        const shape = [count, widths[field]];
        const expected = { field, dataType: 'float32' as const, shape };
        return [field, fromWire(response[field], expected)] as const;
      }
      const { kind, index } = partsOf(field);
      const map = response[kind][mapIndices.indexOf(index)];
      return [field, this.#readMap(map, field, count)] as const;
    });
    return Object.fromEntries(tensors);
  }

  /** The values that the teacher rounded to. */
  #readMap(
    map: Tensor__Output | undefined,
    field: MapName,
    count: number,
  ): HostTensor {
    const { mapPrecision: dataType } = this.#task;
    const shape = [count, ...this.#mapShapes[partsOf(field).index]!];
    const { data } = fromWire(map, { field, dataType, shape });
    return { shape, data: decodeRows(data, dataType) };
  }

  get #identity(): DescribeResponse__Output {
    if (!this.#described) throw new Error('describe comes first');
    return this.#described;
  }
}

/** Whether no reference says what it looks like. */
function isMixed({ view }: BatchRef): boolean {
  return view !== undefined && view.kind !== 'redraw';
}

function wireOutputOf(output: TeacherTensor) {
  return wireOutputs[isMapName(output) ? partsOf(output).kind : output];
}

/** The maps that an answer has, of each kind that is asked for. */
function indicesOf(outputs: ReadonlySet<TeacherTensor>): number[] {
  const names = [...outputs].filter(isMapName);
  return [...new Set(names.map((name) => partsOf(name).index))];
}

/** An error that pixels help against; any other is thrown again. */
function asLackOfData(error: unknown) {
  if (error instanceof DatasetNotFoundError) return error;
  if (error instanceof DatasetMismatchError) return error;
  throw error;
}
