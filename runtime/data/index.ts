import type { Dataset } from '#distill/data/dataset.js';
import { DatasetBytesError, DatasetNotFoundError } from '../errors.js';
import { loadCifar } from './cifar.js';
import { parseDefinition, proceduralName } from './definition.js';
import { loadFolder } from './folder.js';
import { loadImageNet } from './imagenet.js';
import { loadProcedural } from './procedural.js';
import { openShared, type SharedDataset } from './shared.js';
import { loadStl10 } from './stl10.js';
import { loadTar } from './tar.js';

/** The data sets that a process can read, by name; each loaded on first use. */
export interface Datasets {
  /** As they were given, plus the built-in one. */
  readonly definitions: Readonly<Record<string, string>>;
  /**
   * Throws `DatasetNotFoundError` for an unknown name, and what loading throws:
   * `ConfigInvalidError` (not the layout), `CorruptFileError`,
   * `BatchShapeError` (images of several sizes), `DatasetBytesError`. A failed
   * load is tried again at the next call.
   */
  get(name: string): Promise<Dataset>;
  /** The same for other threads of this process: `openShared` opens it there. */
  share(name: string): Promise<SharedDataset>;
}

export interface DatasetsOptions {
  /** Ends loads under way. */
  readonly signal?: AbortSignal;
  /** The most that all loaded data sets together may hold. Default 4 GiB. */
  readonly maxBytes?: number;
}

/**
 * Data sets by definition: `folder:/path` (one folder per class, see
 * folder.ts), `cifar10:/path`, `cifar100:/path`, `stl10:/path` (official binary
 * files), `imagenet:/path`, `tiny-imagenet:/path`, `tar:/path` (decoded on
 * demand). `folder:/path?size=64` resizes. `procedural` is always there. Throws `ConfigInvalidError`; nothing is read before the first `get`.
 */
export function openDatasets(
  definitions: Readonly<Record<string, string>>,
  options: DatasetsOptions = {},
): Datasets {
  const { signal = new AbortController().signal, maxBytes = 2 ** 32 } = options;
  const parsed = new Map(
    Object.entries(definitions).map(([name, definition]) => [
      name,
      parseDefinition(name, definition),
    ]),
  );
  const loaded = new Map<string, Promise<SharedDataset>>();
  const budget = new ByteBudget(maxBytes);

  const load = async (name: string): Promise<SharedDataset> => {
    const reserve = (bytes: number) => budget.reserve(name, bytes);
    if (name === proceduralName) return loadProcedural({ signal, reserve });
    const definition = parsed.get(name);
    if (!definition) throw new DatasetNotFoundError({ dataset: name });
    const { kind, root, resizeTo } = definition;
    const common = {
      ...{ name, root, signal, reserve },
      ...(resizeTo !== undefined && { resizeTo }),
    };
    switch (kind) {
      case 'folder':
        return loadFolder(common);
      case 'cifar10':
      case 'cifar100':
        return loadCifar(kind, common);
      case 'stl10':
        return loadStl10(common);
      case 'imagenet':
      case 'tiny-imagenet':
        return loadImageNet(kind, common);
      case 'tar':
        return loadTar(common);
    }
  };

  const share = (name: string): Promise<SharedDataset> => {
    const known = loaded.get(name);
    if (known) return known;
    const loading = load(name).catch((error: unknown) => {
      loaded.delete(name);
      budget.release(name);
      throw error;
    });
    loaded.set(name, loading);
    return loading;
  };

  return {
    definitions: { ...definitions, [proceduralName]: 'built in' },
    get: async (name) => openShared(await share(name)),
    share,
  };
}

class ByteBudget {
  private readonly reserved = new Map<string, number>();

  constructor(private readonly limitBytes: number) {}

  reserve(dataset: string, requestedBytes: number): void {
    const held = [...this.reserved.values()].reduce((a, b) => a + b, 0);
    const limitBytes = this.limitBytes - held;
    if (requestedBytes > limitBytes) {
      throw new DatasetBytesError({ dataset, requestedBytes, limitBytes });
    }
    this.reserved.set(dataset, requestedBytes);
  }

  release(dataset: string): void {
    this.reserved.delete(dataset);
  }
}
