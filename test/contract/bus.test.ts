import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { openBus } from '#runtime/bus/index.js';
import { natsMissing, startNatsServer, type NatsServer } from '../nats.js';
import { busContract, contractWork } from './bus.contract.js';

describe('bus in-process', () => {
  busContract(() => openBus({ kind: 'in-process', work: contractWork }));
});

describe('bus in-process, its records on disk', () => {
  const folders: string[] = [];
  afterAll(() =>
    folders.forEach((folder) => rmSync(folder, { recursive: true })),
  );

  busContract(() => {
    const recordsDir = mkdtempSync(join(tmpdir(), 'rrd-records-'));
    folders.push(recordsDir);
    return openBus({ kind: 'in-process', recordsDir, work: contractWork });
  });
});

const missing = natsMissing();

describe.skipIf(missing)(`bus nats${missing ? ` (${missing})` : ''}`, () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server.close());

  busContract(() =>
    openBus({ kind: 'nats', servers: [server.address], work: contractWork }),
  );
});
