import type { Bus, Records } from '#runtime/bus/bus.js';

/** What a leader may still do. */
export interface Lease {
  readonly epoch: number;
  /** Throws `NotLeaderError` once it is over, by this process's own clock. */
  check(): void;
  /** The same, by asking the bus. */
  prove(): Promise<void>;
}

/**
 * The bus as a leader writes on it: not at all once its lease is over. What is
 * under way at that moment does no harm: a record is written under the revision
 * that was read, and the next leader rewrites all of them first; a creation is
 * acknowledged only if the lease outlived it; what workers hear has an epoch.
 */
export function fenced(bus: Bus, lease: Lease): Bus {
  return {
    kind: bus.kind,
    connection: () => bus.connection(),
    subscribe: (pattern, options) => bus.subscribe(pattern, options),
    take: (queue, signal) => bus.take(queue, signal),
    close: () => bus.close(),
    publish: async (...event) => {
      lease.check();
      await bus.publish(...event);
    },
    offer: async (...work) => {
      lease.check();
      await bus.offer(...work);
    },
    records: async (bucket) => fencedRecords(await bus.records(bucket), lease),
  };
}

function fencedRecords(records: Records, lease: Lease): Records {
  return {
    get: (key) => records.get(key),
    keys: () => records.keys(),
    list: () => records.list(),
    create: async (key, value) => {
      lease.check();
      const revision = await records.create(key, value);
      await lease.prove();
      return revision;
    },
    update: async (...change) => {
      lease.check();
      return records.update(...change);
    },
    delete: async (...record) => {
      lease.check();
      await records.delete(...record);
    },
  };
}
