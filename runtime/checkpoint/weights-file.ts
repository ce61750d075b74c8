import type { HostTensor } from '#distill/tensors.js';
import { CheckpointMismatchError, CorruptFileError } from '../errors.js';
import { decodeSafetensors } from './safetensors.js';
import { readStored } from './stored-file.js';
import { TorchTensor } from './torch/tensor.js';
import { readTorchFile } from './torch/torch-file.js';

/** A tensor in a file, whose shape is known before its elements are read. */
export interface StoredTensor {
  readonly shape: readonly number[];
  read(): HostTensor;
}

/** What one read call of Node can take. */
const maxFileBytes = 2 ** 31 - 1;
/** Entries of a training checkpoint that hold the network's weights. */
const wrappers = ['model', 'state_dict', 'model_state_dict'];
/** What torch's data-parallel wrappers put in front of every name. */
const parallelPrefix = 'module.';

/**
 * The weights in a file of torch.save (either layout) or of safetensors, told
 * apart by their first bytes.
 * @throws CorruptFileError for anything else, or a damaged one
 * @throws UnsafeCheckpointError for a pickle that asks for more than tensors
 * @throws CheckpointMismatchError if there is no state_dict in it
 */
export async function readWeightsFile(
  path: string,
): Promise<ReadonlyMap<string, StoredTensor>> {
  const bytes = await readStored(path, maxFileBytes);
  if (bytes.length < 8)
    throw new CorruptFileError({ path, problem: 'shorter than any format' });
  if (isSafetensors(bytes)) {
    const { tensors } = decodeSafetensors(bytes, path);
    return new Map(
      Object.entries(tensors).map(([name, tensor]) => [
        name,
        { shape: tensor.shape, read: () => tensor },
      ]),
    );
  }
  if (!isTorch(bytes)) {
    const problem = isTar(bytes)
      ? 'a tar archive, as torch wrote them before 2017: save it again'
      : 'neither a file of torch.save nor safetensors';
    throw new CorruptFileError({ path, problem });
  }
  return stateDictOf(await readTorchFile(bytes, path), path);
}

function isSafetensors(bytes: Buffer): boolean {
  return bytes.readUInt32LE(4) === 0 && bytes[8] === '{'.charCodeAt(0);
}

/** A zip archive, or a pickle of protocol 2. */
function isTorch(bytes: Buffer): boolean {
  return (
    bytes.readUInt32BE(0) === 0x504b0304 || bytes.readUInt16BE(0) === 0x8002
  );
}

function isTar(bytes: Buffer): boolean {
  return bytes.subarray(257, 262).toString('latin1') === 'ustar';
}

/** The object itself, or where training loops keep it among other things. */
function stateDictOf(root: unknown, path: string): Map<string, StoredTensor> {
  const mismatch = (tensor: string, expected: string, actual: string) =>
    new CheckpointMismatchError({ path, tensor, expected, actual });
  if (!(root instanceof Map)) throw mismatch('the file', 'a dict', 'no dict');
  const inner: unknown = wrappers
    .map((name): unknown => root.get(name))
    .find((value) => value instanceof Map);
  const entries = [...((inner ?? root) as Map<unknown, unknown>)];
  const tensors = entries.map(([name, value]) => {
    if (typeof name === 'string' && value instanceof TorchTensor)
      return [name, value] as const;
    throw mismatch(String(name), 'a tensor', typeof value);
  });
  const isParallel = tensors.every(([name]) => name.startsWith(parallelPrefix));
  const cut = isParallel ? parallelPrefix.length : 0;
  return new Map(tensors.map(([name, tensor]) => [name.slice(cut), tensor]));
}
