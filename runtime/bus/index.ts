import type { Bus, BusOptions } from './bus.js';
import { MemoryBus } from './memory.js';
import { connectNats, type NatsSettings } from './nats.js';
import { RecordsFolder } from './records-folder.js';

export interface InProcessSettings extends BusOptions {
  /** Folder in which records outlive the process; in memory only without. */
  readonly recordsDir?: string | undefined;
}

export type BusSettings =
  | ({ readonly kind: 'in-process' } & InProcessSettings)
  | ({ readonly kind: 'nats' } & NatsSettings);

/**
 * The control plane.
 * @throws ConfigInvalidError, ServiceUnavailableError; see `connectNats`
 * @throws CorruptFileError, RecordsStorageError; see `RecordsFolder`
 */
export async function openBus(settings: BusSettings): Promise<Bus> {
  if (settings.kind === 'nats') return connectNats(settings);
  const { recordsDir } = settings;
  const folder =
    recordsDir === undefined ? undefined : await RecordsFolder.open(recordsDir);
  return new MemoryBus({ ...settings, folder });
}
