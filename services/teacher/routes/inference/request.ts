import type { ModelInferRequest__Output } from '#proto/inference/ModelInferRequest.js';
import type { Augmentation__Output } from '#proto/rrd/v1/Augmentation.js';
import type { ExtractRequest__Output } from '#proto/rrd/v1/ExtractRequest.js';
import type { SampleRefs__Output } from '#proto/rrd/v1/SampleRefs.js';
import type { Split__Output } from '#proto/rrd/v1/Split.js';
import type { TeacherOutput__Output } from '#proto/rrd/v1/TeacherOutput.js';
import { BatchShapeError, InvalidRequestError } from '#runtime/errors.js';
import {
  integerParameter,
  integersOf,
  tensorOf,
  textParameter,
  type InferTensor,
  type Parameters,
} from '#runtime/rpc/infer-codec.js';

/** The names of a model's outputs are those of our own contract. */
const outputs: Readonly<Record<string, TeacherOutput__Output>> = {
  features: 'TEACHER_OUTPUT_FEATURES',
  logits: 'TEACHER_OUTPUT_LOGITS',
  embeddings: 'TEACHER_OUTPUT_EMBEDDINGS',
  similarities: 'TEACHER_OUTPUT_SIMILARITIES',
};
/** What a request that names no outputs gets. */
const usual = ['features', 'logits'];

const splits: Readonly<Record<string, Split__Output>> = {
  train: 'SPLIT_TRAIN',
  test: 'SPLIT_TEST',
};

const augmentations: Readonly<Record<string, Augmentation__Output>> = {
  none: 'AUGMENTATION_NONE',
  'crop-flip': 'AUGMENTATION_CROP_FLIP',
  'random-resized-crop': 'AUGMENTATION_RANDOM_RESIZED_CROP',
};

/**
 * What an Extract of our own contract would ask. Samples are an input
 * `images` (UINT8), or an input `indices` with parameters `rrd_dataset` and so
 * on (docs/teacher.md).
 * @throws InvalidRequestError, BatchShapeError
 */
export function toExtractRequest(
  request: ModelInferRequest__Output,
): ExtractRequest__Output {
  checkVersion(request.modelVersion);
  const { parameters } = request;
  const names = request.outputs.map(({ name }) => name);
  const wanted = names.length > 0 ? names : usual;
  return {
    model: request.modelName,
    teacherDigest: textParameter(parameters, 'rrd_teacher_digest'),
    ...samplesOf(request),
    outputs: wanted.map((name) => oneOf(outputs, 'outputs', name)),
    projection: projectionOf(parameters),
    mapIndices: [],
    client: textParameter(parameters, 'rrd_client'),
    priority: integerParameter(parameters, 'rrd_priority') ?? 0,
  };
}

/** Models have no versions but the one that is there. */
export function checkVersion(version: string): void {
  if (version === '' || version === '1') return;
  throw new InvalidRequestError({
    field: 'model_version',
    value: version,
    expected: '1 or nothing',
  });
}

function samplesOf(
  request: ModelInferRequest__Output,
): Pick<ExtractRequest__Output, 'pixels' | 'refs'> {
  const { inputs, rawInputContents: raw, parameters } = request;
  if (raw.length > 0 && raw.length !== inputs.length) {
    throw new BatchShapeError({
      field: 'raw_input_contents',
      expected: `${inputs.length} of them, one for each input`,
      actual: raw.length,
    });
  }
  const [input] = inputs;
  if (!input || inputs.length > 1) {
    throw new InvalidRequestError({
      field: 'inputs',
      value: inputs.length,
      expected: 'one: images or indices',
    });
  }
  if (input.name === 'images') return { pixels: tensorOf(input, raw[0]) };
  if (input.name === 'indices') {
    return { refs: refsOf(input, raw[0], parameters) };
  }
  throw new InvalidRequestError({
    field: 'inputs',
    value: input.name,
    expected: 'images or indices',
  });
}

function refsOf(
  input: InferTensor,
  raw: Buffer | undefined,
  parameters: Parameters,
): SampleRefs__Output {
  const split = textParameter(parameters, 'rrd_split') || 'train';
  const augmentation = textParameter(parameters, 'rrd_augmentation') || 'none';
  const integer = (name: string) => integerParameter(parameters, name) ?? 0;
  return {
    dataset: textParameter(parameters, 'rrd_dataset'),
    datasetDigest: textParameter(parameters, 'rrd_dataset_digest'),
    split: oneOf(splits, 'rrd_split', split),
    indices: integersOf(input, raw).map(checkedIndex),
    augmentation: oneOf(augmentations, 'rrd_augmentation', augmentation),
    augmentationSeed: integer('rrd_augmentation_seed'),
    epoch: integer('rrd_epoch'),
  };
}

function checkedIndex(index: number): number {
  if (Number.isSafeInteger(index) && index >= 0) return index;
  const expected = 'a whole number from 0 on';
  throw new InvalidRequestError({ field: 'indices', value: index, expected });
}

function projectionOf(parameters: Parameters) {
  const seed = integerParameter(parameters, 'rrd_projection_seed');
  const featDim = integerParameter(parameters, 'rrd_feat_dim');
  if (seed === undefined && featDim === undefined) return null;
  return { seed: seed ?? 0, featDim: featDim ?? 0 };
}

function oneOf<Value>(
  known: Readonly<Record<string, Value>>,
  field: string,
  name: string,
): Value {
  const value = Object.hasOwn(known, name) ? known[name] : undefined;
  if (value !== undefined) return value;
  const expected = Object.keys(known).join(', ');
  throw new InvalidRequestError({ field, value: name, expected });
}
