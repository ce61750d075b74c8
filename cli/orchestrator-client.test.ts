import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { openOrchestrator } from './orchestrator-client.js';

it('a watch of a server that never speaks ends at a deadline', async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const orchestrator = openOrchestrator(`127.0.0.1:${port}`);
  const first = orchestrator.watch('run')[Symbol.asyncIterator]().next();
  await expect(first).rejects.toMatchObject({ reason: 'DEADLINE_EXCEEDED' });
  expect(sockets.length).toBeGreaterThan(0);
  orchestrator.close();
  for (const socket of sockets) socket.destroy();
  server.close();
}, 60_000);
