import type { Network, NetworkFactory } from '#distill/models/network.js';
import {
  sizeOf,
  type HostTensor,
  type NamedHostTensors,
  type TensorSpec,
} from '#distill/tensors.js';
import { CheckpointMismatchError } from '../errors.js';
import { readWeightsFile, type StoredTensor } from './weights-file.js';

/** A network and weights that fit it. */
export interface ImportedNetwork {
  readonly network: Network;
  /** Its parameters and buffers, all finite. */
  readonly tensors: NamedHostTensors;
}

/** Batch norm's count of batches, which old versions of torch do not write. */
const optional = '.num_batches_tracked';
const maxClasses = 1_000_000;

/**
 * Weights from elsewhere for a network of the zoo; the number of classes is
 * that of the file's classifier. Halves and doubles become float32.
 * @throws CheckpointMismatchError for a tensor that is missing, not the
 *   network's, of another shape or type, or not finite
 * @throws CorruptFileError, UnsafeCheckpointError as `readWeightsFile`
 */
export async function importWeights(
  path: string,
  create: NetworkFactory,
): Promise<ImportedNetwork> {
  const stored = await readWeightsFile(path);
  const network = create(classCountOf(create, stored, path));
  const specs = { ...network.parameters, ...network.buffers };
  for (const [other, { shape }] of stored) {
    if (Object.hasOwn(specs, other)) continue;
    const expected = `no tensor of that name in ${network.name}`;
    throw mismatch(path, other, expected, described(shape));
  }
  const tensors = Object.entries(specs).map(([tensor, spec]) => {
    const found = stored.get(tensor);
    return [tensor, fitted(found, spec, tensor, path)] as const;
  });
  return { network, tensors: Object.fromEntries(tensors) };
}

/** The rows of the one weight whose shape depends on the classes. */
function classCountOf(
  create: NetworkFactory,
  stored: ReadonlyMap<string, StoredTensor>,
  path: string,
): number {
  const [one, two] = [create(1), create(2)];
  const classifier = Object.keys(one.parameters).find(
    (key) =>
      key.endsWith('.weight') &&
      one.parameters[key]!.shape[0] !== two.parameters[key]!.shape[0],
  )!;
  const shape = stored.get(classifier)?.shape;
  const count = shape?.[0] ?? 0;
  if (shape?.length === 2 && count > 0 && count <= maxClasses) return count;
  const expected = `[classes, ${one.featureDim}]`;
  throw mismatch(path, classifier, expected, described(shape));
}

function fitted(
  stored: StoredTensor | undefined,
  spec: TensorSpec,
  name: string,
  path: string,
): HostTensor {
  if (!stored && name.endsWith(optional))
    return { shape: [], data: new Int32Array(1) };
  const expected = described(spec.shape);
  // Before a single element is copied: a file can promise any shape.
  if (!stored || described(stored.shape) !== expected)
    throw mismatch(path, name, expected, described(stored?.shape));
  const { data } = readElements(stored, name, path);
  const dataType = data instanceof Float32Array ? 'float32' : 'int32';
  if (dataType !== spec.dataType)
    throw mismatch(path, name, spec.dataType, dataType);
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0)
    throw mismatch(path, name, 'finite values', `${data[bad]} at ${bad}`);
  return { shape: spec.shape, data };
}

function readElements(stored: StoredTensor, name: string, path: string) {
  try {
    return stored.read();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw mismatch(path, name, 'values of 32 bits', error.message);
  }
}

function described(shape: readonly number[] | undefined): string {
  if (!shape) return 'nothing';
  return `[${shape.join(', ')}] (${sizeOf(shape)} values)`;
}

function mismatch(
  path: string,
  tensor: string,
  expected: string,
  actual: string,
): CheckpointMismatchError {
  return new CheckpointMismatchError({ path, tensor, expected, actual });
}
