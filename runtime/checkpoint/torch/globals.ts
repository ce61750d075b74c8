import { CorruptFileError } from '../../errors.js';
import type { ElementKind } from '../elements.js';
import { Namespace, PickleGlobal, type PickleValue } from './pickle.js';
import { storageKinds, TorchTensor, type TorchStorage } from './tensor.js';

type Args = readonly PickleValue[];

/**
 * Every name that a checkpoint may use, and what it makes here. None of these
 * is Python's own: they build our values from their arguments.
 */
export function torchGlobals(path: string): ReadonlyMap<string, PickleGlobal> {
  const tensor = (args: Args) => rebuildTensor(args, path);
  const functions: Record<string, (args: Args) => PickleValue> = {
    'collections.OrderedDict': () => new Map(),
    'argparse.Namespace': () => new Namespace(),
    'torch.Size': ([sizes]) => sizes,
    'torch._utils._rebuild_tensor': tensor,
    'torch._utils._rebuild_tensor_v2': tensor,
    'torch._utils._rebuild_parameter': ([data]) => data,
  };
  const types = [...storageKinds.keys()].map((name) => `torch.${name}`);
  return new Map([
    ...Object.entries(functions).map(
      ([name, call]) => [name, new PickleGlobal(name, call)] as const,
    ),
    ...types.map((name) => [name, new PickleGlobal(name)] as const),
  ]);
}

/** (storage, offset, shape, strides, ...): the rest is for autograd. */
function rebuildTensor(args: Args, path: string): TorchTensor {
  const [storage, offset, shape, strides] = args;
  if (
    !(isStorage(storage) && typeof offset === 'number') ||
    !(isNumbers(shape) && isNumbers(strides))
  ) {
    const problem = 'a tensor of something else than storage and shape';
    throw new CorruptFileError({ path, problem });
  }
  return new TorchTensor(storage, offset, shape, strides, path);
}

function isStorage(value: PickleValue): value is TorchStorage {
  return value instanceof Storage;
}

function isNumbers(value: PickleValue): value is number[] {
  return Array.isArray(value) && value.every((n) => typeof n === 'number');
}

/** What a persistent id says of a storage; its bytes come from the file. */
export class Storage implements TorchStorage {
  constructor(
    readonly key: string,
    readonly kind: ElementKind,
    readonly elements: number,
    readonly bytes: () => Uint8Array,
  ) {}
}

/** Of ('storage', type, key, device, elements), and a view of old: none. */
export function parseStorageId(
  id: PickleValue,
): Pick<Storage, 'key' | 'kind' | 'elements'> | undefined {
  if (!Array.isArray(id)) return undefined;
  const [tag, type, key, , elements, view] = id as Args;
  const kind =
    type instanceof PickleGlobal
      ? storageKinds.get(type.name.replace('torch.', ''))
      : undefined;
  if (tag !== 'storage' || !kind || typeof key !== 'string') return undefined;
  if (!Number.isSafeInteger(elements) || (elements as number) < 0)
    return undefined;
  // Views of one storage as another went out of use before 2017.
  if (view !== undefined && view !== null) return undefined;
  return { key, kind, elements: elements as number };
}
