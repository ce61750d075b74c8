import { afterAll, beforeAll, describe } from 'vitest';
import { openBus } from '#runtime/bus/index.js';
import { natsMissing, startNatsServer, type NatsServer } from '../nats.js';
import { busContract, contractWork } from './bus.contract.js';

describe('bus in-process', () => {
  busContract(() => openBus({ kind: 'in-process', work: contractWork }));
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
