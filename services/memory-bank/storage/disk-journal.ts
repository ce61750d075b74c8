import { createHash } from 'node:crypto';
import { access, mkdir, readdir, rename } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join, resolve } from 'node:path';
import { once } from 'node:events';
import {
  ConfigInvalidError,
  CorruptFileError,
  QueueNotFoundError,
} from '#runtime/errors.js';
import type { Bank } from '../bank.js';
import type { BankQueue } from '../bank-queue.js';
import type { MemoryBankConfig } from '../config.js';
import type { BankEvents } from '../events.js';
import { noJournal, type Journal } from '../journal.js';
import type { Membership } from '../members.js';
import { manifestName, type Manifest } from './manifest.js';
import { openStore, readCheckedManifest } from './open-store.js';
import {
  QueueStore,
  removeStore,
  storageError,
  type StoreOptions,
} from './queue-store.js';

/** The journal that the settings ask for, its queues back in the bank. */
export async function openJournal(
  bank: Bank,
  config: MemoryBankConfig,
  events: BankEvents,
): Promise<Journal> {
  const { dataDir } = config;
  if (dataDir === undefined) return noJournal;
  const folder = resolve(dataDir);
  await mkdir(folder, { recursive: true });
  const lock = await lockFolder(folder);
  const journal = new DiskJournal(bank, folder, config, events, lock);
  await journal.recover();
  return journal;
}

/** A folder of queues, one folder each. */
class DiskJournal implements Journal {
  readonly #bank: Bank;
  readonly #folder: string;
  readonly #config: MemoryBankConfig;
  readonly #events: BankEvents;
  readonly #lock: Server | undefined;
  readonly #options: StoreOptions;
  readonly #stores = new Map<string, Entry>();
  /** Queues by name whose files are on their way out. */
  readonly #drops = new Map<string, Promise<void>>();

  constructor(
    bank: Bank,
    folder: string,
    config: MemoryBankConfig,
    events: BankEvents,
    lock: Server | undefined,
  ) {
    this.#bank = bank;
    this.#folder = folder;
    this.#config = config;
    this.#events = events;
    this.#lock = lock;
    this.#options = {
      fsync: config.fsync,
      logBytes: config.logBytes,
      onCheckpointFailed: (queue, error) =>
        events.checkpointFailed(queue, error),
    };
  }

  async recover(): Promise<void> {
    const manifests = await this.#readManifests();
    for (const [folder, manifest] of manifests) {
      const newest = [...manifests.values()].every(
        ({ progress: { spec, epoch } }) =>
          spec.queue !== manifest.progress.spec.queue ||
          epoch <= manifest.progress.epoch,
      );
      // Its successor was written, but there was no time to remove it.
      if (newest) await this.#recoverQueue(folder, manifest);
      else await removeStore(folder);
    }
  }

  async keep(queue: BankQueue): Promise<void> {
    const { queue: name } = queue.spec;
    const present = this.#stores.get(name);
    if (present?.queue === queue) return void (await present.store);
    const entry = { queue, store: this.#create(queue, present) };
    this.#stores.set(name, entry);
    try {
      await entry.store;
    } catch (error) {
      // The name may be another queue's by now, with the same epoch.
      if (this.#stores.get(name) === entry) {
        this.#stores.delete(name);
        this.#bank.delete(name);
      }
      throw error;
    }
  }

  async enqueue(queue: BankQueue, batch: Parameters<Journal['enqueue']>[1]) {
    const entry = this.#stores.get(queue.spec.queue);
    // A queue that was dropped or replaced in between refuses by itself.
    if (entry?.queue !== queue) return queue.enqueue(batch);
    return (await entry.store).enqueue(batch);
  }

  async join(queue: BankQueue, member: Membership): Promise<void> {
    if (!queue.members.acceptJoin(member)) return;
    await this.#keepChange(
      queue,
      (store) => store.join(member),
      () => queue.members.withdrawJoin(member),
    );
  }

  async leave(queue: BankQueue, runId: string, epoch?: number) {
    if (!queue.members.acceptLeave(runId, epoch)) return false;
    await this.#keepChange(
      queue,
      (store) => store.leave(runId),
      () => queue.members.withdrawLeave(runId),
    );
    return true;
  }

  async #keepChange(
    queue: BankQueue,
    keep: (store: QueueStore) => Promise<void>,
    withdraw: () => void,
  ): Promise<void> {
    const { queue: name } = queue.spec;
    try {
      const entry = this.#stores.get(name);
      if (entry?.queue !== queue) throw new QueueNotFoundError({ queue: name });
      await keep(await entry.store);
    } catch (error) {
      withdraw();
      throw error;
    }
  }

  async drop(name: string): Promise<void> {
    const entry = this.#stores.get(name);
    if (entry) {
      this.#stores.delete(name);
      const dropped = removed(entry).finally(() => {
        if (this.#drops.get(name) === dropped) this.#drops.delete(name);
      });
      this.#drops.set(name, dropped);
    }
    await this.#drops.get(name);
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#drops.values());
    for (const { store } of this.#stores.values()) {
      await (await store.catch(() => undefined))?.close();
    }
    this.#stores.clear();
    this.#lock?.close();
  }

  /**
   * The new queue first: a crash in between must not lose both. Where it cannot
   * be written nothing stays of either: the bank has none of that name then,
   * and the disk may have no room.
   * @throws BankStorageError
   */
  async #create(queue: BankQueue, old?: Entry): Promise<QueueStore> {
    // One of the same name and epoch had this folder; who drops it is told.
    await this.#drops.get(queue.spec.queue)?.catch(() => {});
    const predecessor = await old?.store.catch(() => undefined);
    const folder = this.#folderOf(queue);
    try {
      await removeStore(folder);
      return await QueueStore.create(folder, queue, this.#options);
    } catch (error) {
      await removeStore(folder).catch(() => {});
      throw storageError(queue, error);
    } finally {
      await predecessor?.remove().catch((error: unknown) => {
        this.#events.dropFailed(queue.spec.queue, error);
      });
    }
  }

  #folderOf({ spec, epoch }: BankQueue): string {
    const name = createHash('sha256').update(spec.queue).digest('hex');
    return join(this.#folder, `queue-${name.slice(0, 32)}-${epoch}`);
  }

  async #readManifests(): Promise<Map<string, Manifest>> {
    const manifests = new Map<string, Manifest>();
    for (const name of (await readdir(this.#folder)).sort()) {
      if (!name.startsWith('queue-')) continue;
      const folder = join(this.#folder, name);
      const isWhole = await access(join(folder, manifestName)).then(
        () => true,
        () => false,
      );
      if (!isWhole) await removeStore(folder);
      else
        await this.#unlessDamaged(folder, async () => {
          manifests.set(folder, await readCheckedManifest(folder));
        });
    }
    return manifests;
  }

  #recoverQueue(folder: string, manifest: Manifest): Promise<void> {
    return this.#unlessDamaged(folder, async () => {
      const { spec } = manifest.progress;
      const memory = this.#bank.reserveRows(spec);
      try {
        const store = await openStore(
          ...([folder, manifest, this.#config, this.#options] as const),
        );
        const { queue } = store;
        this.#bank.adopt(queue, memory);
        this.#stores.set(spec.queue, { queue, store: Promise.resolve(store) });
        this.#events.recovered(queue);
      } catch (error) {
        memory.release();
        throw error;
      }
    });
  }

  /** One damaged queue must not take the others with it. */
  async #unlessDamaged(
    folder: string,
    read: () => Promise<void>,
  ): Promise<void> {
    try {
      await read();
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      const damaged = error instanceof CorruptFileError || code === 'ENOENT';
      if (!damaged) throw error;
      const aside = folder.replace(/queue-([^/]*)$/, 'damaged-$1');
      await rename(folder, `${aside}-${Date.now()}`);
      this.#events.damaged(aside, error);
    }
  }
}

interface Entry {
  readonly queue: BankQueue;
  readonly store: Promise<QueueStore>;
}

async function removed({ store }: Entry): Promise<void> {
  await (await store.catch(() => undefined))?.remove();
}

/**
 * Two banks in one folder would ruin it. The lock is an abstract socket, which
 * Linux frees with the process, however it ends; elsewhere there is none.
 * @throws ConfigInvalidError
 */
async function lockFolder(folder: string): Promise<Server | undefined> {
  if (process.platform !== 'linux') return undefined;
  const name = createHash('sha256').update(folder).digest('hex');
  const server = createServer((socket) => socket.destroy());
  server.unref();
  server.listen(`\0rrd-bank-${name.slice(0, 32)}`);
  try {
    await once(server, 'listening');
    return server;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new ConfigInvalidError({
      ...{ source: 'memory bank settings', line: 0, field: 'dataDir' },
      ...{ value: folder, expected: 'a folder that no other bank uses' },
    });
  }
}
