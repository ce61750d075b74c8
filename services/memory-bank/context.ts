import type { Handlers } from '#runtime/rpc/server.js';
import type { Bank } from './bank.js';
import type { MemoryBankConfig } from './config.js';
import type { BankEvents } from './events.js';
import type { HealthMonitor } from './health/monitor.js';
import type { Journal } from './journal.js';
import type { Seeder } from './seeder.js';

/** What every route of the bank works with. */
export interface Context {
  readonly bank: Bank;
  readonly journal: Journal;
  readonly seeder: Seeder;
  readonly health: HealthMonitor;
  readonly config: MemoryBankConfig;
  readonly events: BankEvents;
}

export type Routes = Handlers<'rrd.v1.MemoryBankService'>;
