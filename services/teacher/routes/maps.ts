import { isMapName, partsOf } from '#distill/map-names.js';
import type { MapKind, MapName } from '#distill/methods/method.js';
import { bytesPerValue } from '#distill/precision.js';
import { sizeOf } from '#distill/tensors.js';
import type { Tensor } from '#proto/rrd/v1/Tensor.js';
import { InvalidRequestError, MapOverflowError } from '#runtime/errors.js';
import { samplesPerMessage } from '#runtime/rpc/message-size.js';
import { toWireAs } from '#runtime/rpc/tensor-codec.js';
import type { Job, JobResult } from '../job.js';
import type { Model } from '../models.js';

/**
 * Makes sure that the model has the maps of a job, and that the answer fits
 * into a message, before anything is computed.
 * @throws InvalidRequestError that says what would be possible
 */
export async function checkMaps(
  {
    outputs,
    count,
    mapPrecision = 'float32',
  }: Pick<Job, 'outputs' | 'count' | 'mapPrecision'>,
  model: Pick<Model, 'mapShapes'>,
): Promise<void> {
  const names = [...outputs].filter(isMapName);
  if (names.length === 0) return;
  const sizes = names.map((name) => sizeOfMap(name, model));
  const fitting = samplesPerMessage(
    await Promise.all(sizes),
    bytesPerValue(mapPrecision),
  );
  if (count <= fitting) return;
  const expected = `at most ${fitting}, whose maps fit into one message`;
  throw invalid('samples', count, expected);
}

/** Values of a map of one sample. */
async function sizeOfMap(
  name: MapName,
  model: Pick<Model, 'mapShapes'>,
): Promise<number> {
  const { kind, index } = partsOf(name);
  const shapes = await model.mapShapes(kind);
  const shape = shapes[index];
  if (shape) return sizeOf(shape);
  if (shapes.length === 0)
    throw invalid('outputs', kind, 'what the model has: it has none of these');
  throw invalid('map_indices', index, `0 to ${shapes.length - 1}`);
}

/** @throws MapOverflowError if a job's precision was not enough for its maps */
export function checkOverflow(
  { mapPrecision: precision = 'float32' }: Pick<Job, 'mapPrecision'>,
  { overflow }: Pick<JobResult, 'overflow'>,
): void {
  if (overflow) throw new MapOverflowError({ ...overflow, precision });
}

/** The maps of a kind, in the order in which they were asked for. */
export function wireMaps(
  kind: MapKind,
  { mapPrecision: precision = 'float32' }: Pick<Job, 'mapPrecision'>,
  result: JobResult,
): Tensor[] {
  const names = Object.keys(result).filter(
    (name): name is MapName => isMapName(name) && partsOf(name).kind === kind,
  );
  return names.map((name) => toWireAs(precision, result[name]!));
}

function invalid(field: string, value: string | number, expected: string) {
  return new InvalidRequestError({ field, value, expected });
}
