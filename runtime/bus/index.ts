import type { Bus, BusOptions } from './bus.js';
import { MemoryBus } from './memory.js';
import { connectNats, type NatsSettings } from './nats.js';

export type BusSettings =
  | ({ readonly kind: 'in-process' } & BusOptions)
  | ({ readonly kind: 'nats' } & NatsSettings);

/**
 * The control plane.
 * @throws ConfigInvalidError, ServiceUnavailableError; see `connectNats`
 */
export function openBus(settings: BusSettings): Promise<Bus> {
  return settings.kind === 'in-process'
    ? Promise.resolve(new MemoryBus(settings))
    : connectNats(settings);
}
