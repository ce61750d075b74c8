import { createLogger } from '#runtime/logger.js';
import { connect } from '#runtime/rpc/client.js';
import { startServer } from '#runtime/rpc/server.js';
import type { Parameters } from '../parameters.js';

const small = { messages: 4000, bytes: 64 };
const large = { messages: 150, bytes: 2 ** 20 };

/**
 * Processor time of a message and of a MiB at one end, from streams of parts as
 * workers exchange them: both ends are in this process, so each has a half.
 */
export async function fitMessages(): Promise<Parameters['message']> {
  const server = await startServer({
    name: 'bench',
    listen: {},
    log: createLogger('bench', { level: 'silent' }),
    handlers: {
      'rrd.v1.CollectiveService': {
        join: () => nobody(),
        exchange: (requests) => countedParts(requests),
      },
    },
  });
  try {
    await cpuMsOfEnd(server.address, small); // compiles
    const smallMs = await cpuMsOfEnd(server.address, small);
    const largeMs = await cpuMsOfEnd(server.address, large);
    return { messageMs: smallMs, mebibyteMs: Math.max(0, largeMs - smallMs) };
  } finally {
    await server.close();
  }
}

async function* nobody(): AsyncGenerator<never> {
  // Nobody joins.
}

async function* countedParts(requests: AsyncIterable<unknown>) {
  let source = 0;
  for await (const request of requests) if (request) source++;
  yield { part: { source } };
}

async function cpuMsOfEnd(
  address: string,
  { messages, bytes }: typeof small,
): Promise<number> {
  const client = connect('rrd.v1.CollectiveService', address);
  const data = new Uint8Array(bytes);
  const kind = 'STEP_PART_KIND_VECTOR' as const;
  async function* parts() {
    for (let step = 0; step < messages; step++) {
      yield { part: { step, kind, totalBytes: bytes, data } };
    }
  }
  const before = process.cpuUsage();
  try {
    for await (const { part } of client.exchange(parts())) {
      if (part?.source !== messages) throw new Error('messages were lost');
    }
  } finally {
    client.close();
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / messages / 2;
}
