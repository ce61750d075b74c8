import { isMapName, partsOf } from '#distill/map-names.js';
import { type Precision, precisions } from '#distill/precision.js';
import type { ModelInferRequest__Output } from '#proto/inference/ModelInferRequest.js';
import type { ExtractRequest__Output } from '#proto/rrd/v1/ExtractRequest.js';
import type { SampleRefs__Output } from '#proto/rrd/v1/SampleRefs.js';
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
import { toWirePrecision } from '#runtime/rpc/wire-precision.js';
import { wireAugmentations, wireSplits } from '#runtime/rpc/wire-views.js';

/** The names of a model's outputs are those of our own contract. */
const outputs: Readonly<Record<string, TeacherOutput__Output>> = {
  features: 'TEACHER_OUTPUT_FEATURES',
  logits: 'TEACHER_OUTPUT_LOGITS',
  embeddings: 'TEACHER_OUTPUT_EMBEDDINGS',
  similarities: 'TEACHER_OUTPUT_SIMILARITIES',
};
const mapOutputs = {
  maps: 'TEACHER_OUTPUT_MAPS',
  preactivations: 'TEACHER_OUTPUT_PREACTIVATIONS',
} as const;
const mapName = /^(maps|preactivations)\.\d{1,4}$/;

/** What a request that names no outputs gets. */
const usual = ['features', 'logits'];

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
  const names = outputNamesOf(request);
  return {
    model: request.modelName,
    teacherDigest: textParameter(parameters, 'rrd_teacher_digest'),
    ...samplesOf(request),
    outputs: [...new Set(names.map(outputOf))],
    projection: projectionOf(parameters),
    mapIndices: mapIndicesOf(names),
    mapPrecision: toWirePrecision(mapPrecisionOf(request)),
    client: textParameter(parameters, 'rrd_client'),
    priority: integerParameter(parameters, 'rrd_priority') ?? 0,
  };
}

/** What the request names, or the usual ones. */
export function outputNamesOf({
  outputs,
}: Pick<ModelInferRequest__Output, 'outputs'>): readonly string[] {
  return outputs.length > 0 ? outputs.map(({ name }) => name) : usual;
}

/** Those of the maps that are named, each once. */
export function mapIndicesOf(names: readonly string[]): number[] {
  const maps = names.filter(isMapName);
  return [...new Set(maps.map((name) => partsOf(name).index))];
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

function outputOf(name: string): TeacherOutput__Output {
  if (!isMapName(name)) return oneOf(outputs, 'outputs', name);
  if (mapName.test(name)) return mapOutputs[partsOf(name).kind];
  const expected = 'maps or preactivations with a number, such as maps.3';
  throw new InvalidRequestError({ field: 'outputs', value: name, expected });
}

/** Of the protocol's typed contents none are halves. */
function mapPrecisionOf({
  parameters,
  rawInputContents,
}: ModelInferRequest__Output): Precision {
  const field = 'rrd_map_precision';
  const value = textParameter(parameters, field) || 'float32';
  const known = Object.fromEntries(precisions.map((name) => [name, name]));
  const precision = oneOf(known, field, value);
  if (precision === 'float32' || rawInputContents.length > 0) return precision;
  const expected = 'float32, unless the contents are raw';
  throw new InvalidRequestError({ field, value, expected });
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
    split: oneOf(wireSplits, 'rrd_split', split),
    indices: integersOf(input, raw).map(checkedIndex),
    augmentation: oneOf(wireAugmentations, 'rrd_augmentation', augmentation),
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
