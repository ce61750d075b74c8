import { connect } from '#runtime/rpc/client.js';
import { spawnService } from '../../../test/processes.js';
import { bankArguments, createQueue, enqueue } from '../../bank/latency.js';
import { startPeers } from '../../bank/peers.js';
import { cpuMsOf } from '../../scale/timed-run.js';
import type { Parameters } from '../parameters.js';

const warmUp = 100;
const commits = 400;
const subscribers = 8;

/**
 * The bank's own processor time, besides what messages cost anyway: of one
 * rank's rows, and of a commit for each subscriber.
 * @param messagesMs of that many messages and MiB at one end
 */
export async function fitBank(
  rowsMebibytes: number,
  messagesMs: (messages: number, mebibytes: number) => number,
): Promise<Parameters['bank']> {
  const aloneMs = await cpuMsOfCommit(0);
  const heardMs = await cpuMsOfCommit(subscribers);
  const fanOutMs = (heardMs - aloneMs) / subscribers;
  const oneMs = messagesMs(1, rowsMebibytes);
  return {
    enqueueMs: Math.max(0, aloneMs - oneMs),
    fanOutMs: Math.max(0, fanOutMs - oneMs),
  };
}

async function cpuMsOfCommit(subscribers: number): Promise<number> {
  const bank = await spawnService(
    ...(['memory-bank', {}, undefined, {}, bankArguments] as const),
  );
  const client = connect('rrd.v1.MemoryBankService', bank.address);
  try {
    await createQueue(client, 'fit');
    const all = warmUp + commits;
    const peers = await startPeers(
      ...(['grpc', bank.address, 'fit', all, subscribers] as const),
    );
    for (let step = 0; step < warmUp; step++)
      await enqueue(client, 'fit', step);
    const before = await cpuMsOf(bank.pid);
    for (let step = warmUp; step < all; step++) {
      await enqueue(client, 'fit', step);
    }
    await peers.finish();
    return ((await cpuMsOf(bank.pid)) - before) / commits;
  } finally {
    client.close();
    await bank.kill();
  }
}
