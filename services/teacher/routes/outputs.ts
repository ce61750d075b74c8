import { InvalidRequestError } from '#runtime/errors.js';
import type { ExtractRequest__Output } from '#proto/rrd/v1/ExtractRequest.js';
import type { MapName } from '#distill/methods/method.js';
import type { TeacherOutput__Output } from '#proto/rrd/v1/TeacherOutput.js';
import { fromWirePrecision } from '#runtime/rpc/wire-precision.js';
import type { Job, JobOutput, ProjectionKey } from '../job.js';

/** As in an experiment: wider embeddings have no use and cost memory here. */
const maxFeatDim = 2048;

/**
 * What a request asks for.
 * @throws InvalidRequestError if nothing, something unknown, embeddings without
 *   a projection (or the other way round), or a precision without maps
 */
export function outputsOf(
  request: ExtractRequest__Output,
): Pick<Job, 'outputs' | 'projection' | 'mapPrecision'> {
  const { mapIndices } = request;
  const outputs = new Set(
    request.outputs.flatMap((output) => outputsNamed(output, mapIndices)),
  );
  if (request.outputs.length === 0) {
    throw invalid('outputs', 'empty', 'at least one');
  }
  const hasMaps = request.outputs.some(isOfMaps);
  if (mapIndices.length > 0 !== hasMaps) {
    const value = mapIndices.length > 0 ? 'there' : 'missing';
    const expected = 'there exactly for maps and pre-activations';
    throw invalid('map_indices', value, expected);
  }
  const mapPrecision = fromWirePrecision(request.mapPrecision, 'map_precision');
  if (mapPrecision !== 'float32' && !hasMaps) {
    const expected = 'there for maps and pre-activations only';
    throw invalid('map_precision', mapPrecision, expected);
  }
  const { projection } = request;
  if (outputs.has('embeddings') !== Boolean(projection)) {
    const value = projection ? 'there' : 'missing';
    throw invalid('projection', value, 'there exactly for embeddings');
  }
  return {
    ...{ outputs, mapPrecision },
    ...(projection && { projection: checked(projection) }),
  };
}

const isOfMaps = (output: TeacherOutput__Output) =>
  output === 'TEACHER_OUTPUT_MAPS' ||
  output === 'TEACHER_OUTPUT_PREACTIVATIONS';

function outputsNamed(
  output: TeacherOutput__Output,
  mapIndices: readonly number[],
): JobOutput[] {
  switch (output) {
    case 'TEACHER_OUTPUT_FEATURES':
      return ['features'];
    case 'TEACHER_OUTPUT_LOGITS':
      return ['logits'];
    case 'TEACHER_OUTPUT_EMBEDDINGS':
      return ['embeddings'];
    case 'TEACHER_OUTPUT_SIMILARITIES':
      return ['similarities'];
    case 'TEACHER_OUTPUT_MAPS':
      return mapIndices.map((index): MapName => `maps.${index}`);
    case 'TEACHER_OUTPUT_PREACTIVATIONS':
      return mapIndices.map((index): MapName => `preactivations.${index}`);
    case 'TEACHER_OUTPUT_UNSPECIFIED':
      throw invalid('outputs', output, 'features, logits or embeddings');
    default:
      // A number: from a newer contract than ours.
      throw invalid('outputs', output satisfies never, 'a known output');
  }
}

function checked({ seed, featDim }: ProjectionKey): ProjectionKey {
  if (!Number.isSafeInteger(seed)) {
    throw invalid('projection.seed', seed, 'below 2^53');
  }
  if (featDim < 1 || featDim > maxFeatDim) {
    throw invalid('projection.feat_dim', featDim, `1 to ${maxFeatDim}`);
  }
  return { seed, featDim };
}

function invalid(field: string, value: string | number, expected: string) {
  return new InvalidRequestError({ field, value, expected });
}
