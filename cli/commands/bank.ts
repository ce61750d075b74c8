import { Command, Option } from 'commander';
import { bytesPerValue } from '#distill/precision.js';
import type { QueueMember__Output } from '#proto/rrd/v1/QueueMember.js';
import type { QueueState__Output } from '#proto/rrd/v1/QueueState.js';
import { readQueue } from '#runtime/bank/read-queue.js';
import { restoration } from '#runtime/bank/restoration.js';
import {
  fromWirePrecision,
  toWirePrecision,
} from '#runtime/rpc/wire-precision.js';
import { QueueNotFoundError } from '#runtime/errors.js';
import { connect, type RpcClient } from '#runtime/rpc/client.js';
import { readStoredQueue, writeQueue } from '../bank-file.js';
import {
  jsonOption,
  tlsCaOption,
  tlsIdentityOption,
  type TlsFlags,
  tlsOf,
} from '../options.js';
import { bytes, percent, table } from '../text.js';

type BankClient = RpcClient<'rrd.v1.MemoryBankService'>;

interface BankFlags extends TlsFlags {
  readonly bank: string;
  readonly json?: boolean;
}

const bankOption = new Option(
  '--bank <host:port>',
  'a running memory bank',
).makeOptionMandatory();

/** Time for a call that carries a whole queue. */
const deadlineMs = 300_000;

/** A command of the bank, with what all of them take. */
function command(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .addOption(bankOption)
    .addOption(tlsCaOption)
    .addOption(tlsIdentityOption);
}

async function withBank<T>(
  flags: BankFlags,
  body: (client: BankClient) => Promise<T>,
): Promise<T> {
  const tls = tlsOf(flags);
  const client = connect('rrd.v1.MemoryBankService', flags.bank, { tls });
  try {
    return await body(client);
  } finally {
    client.close();
  }
}

const list = command('list', 'all queues by name')
  .addOption(jsonOption)
  .action(async (flags: BankFlags) => {
    const { queues } = await withBank(flags, (bank) => bank.listQueues({}));
    console.log(flags.json ? JSON.stringify(queues) : queueTable(queues));
  });

const inspect = command('inspect', 'where a queue stands, and its rows’ health')
  .argument('<queue>')
  .addOption(jsonOption)
  .action(async (queue: string, flags: BankFlags) => {
    const { state, health } = await withBank(flags, (bank) =>
      bank.getQueueHealth({ queue }),
    );
    if (!state || !health) throw new QueueNotFoundError({ queue });
    if (flags.json) {
      console.log(JSON.stringify({ ...state, health }));
      return;
    }
    console.log(queueTable([state]));
    console.log(
      [
        `teacher             ${state.spec?.teacherDigest}`,
        ...state.members.map(memberLine),
        `duplicate rows      ${percent(health.duplicateRate)}`,
        `effective rank      ${health.effectiveRank.toFixed(1)} of ${state.spec?.featDim}`,
        `similarity entropy  ${health.similarityEntropy.toFixed(3)}`,
        `mean norm           ${health.meanNorm.toFixed(4)}`,
        `measured rows       ${health.measuredRows}, at version ${health.version}`,
        `oldest row          ${health.oldestRowVersions} versions ago`,
        `slowest reader      ${health.readerLagVersions} versions behind`,
      ].join('\n'),
    );
  });

const exportQueue = command('export', 'a queue as a .npy or .safetensors file')
  .argument('<queue>')
  .argument('<file>')
  .action(async (queue: string, file: string, flags: BankFlags) => {
    const read = await withBank(flags, (bank) => readQueue(bank, queue));
    await writeQueue(file, read);
    console.log(`${file}: version ${read.snapshot.version}`);
  });

const importQueue = command('import', 'a queue from a .safetensors file')
  .argument('<file>')
  .argument('<queue>')
  .option('--epoch <n>', 'above that of a queue to replace', Number, 1)
  .action(
    async (
      file: string,
      queue: string,
      flags: BankFlags & { epoch: number },
    ) => {
      const { snapshot, metadata } = await readStoredQueue(file);
      const { teacherDigest, projectionSeed, worldSize, nextStep } = metadata;
      const { seed, init, momentum } = metadata;
      const spec = {
        ...{ queue, teacherDigest, projectionSeed, worldSize, seed, init },
        capacity: snapshot.rows.length / snapshot.featDim,
        featDim: snapshot.featDim,
        precision: toWirePrecision(metadata.precision),
        ...(momentum !== undefined && { momentum }),
      };
      const restored = { spec, queue: snapshot, step: nextStep };
      await withBank(flags, (bank) =>
        bank.restoreQueue(restoration({ ...restored, epoch: flags.epoch }), {
          deadlineMs,
        }),
      );
      console.log(`${queue}: version ${snapshot.version}`);
    },
  );

const remove = command('delete', 'ends a queue and frees it')
  .argument('<queue>')
  .action(async (queue: string, flags: BankFlags) => {
    const { state } = await withBank(flags, (bank) => bank.getQueue({ queue }));
    const { epoch = 0 } = state ?? {};
    const { deleted } = await withBank(flags, (bank) =>
      bank.deleteQueue({ queue, epoch }),
    );
    if (!deleted) throw new QueueNotFoundError({ queue });
    console.log(`${queue}: deleted`);
  });

export const bankCommand = new Command('bank')
  .description('queues of a memory bank')
  .addCommand(list)
  .addCommand(inspect)
  .addCommand(exportQueue)
  .addCommand(importQueue)
  .addCommand(remove);

/** Enough of a teacher's digest to tell teachers apart. */
const digestLength = 15;

function memberLine({ runId, nextStep, epoch }: QueueMember__Output): string {
  return `run                 ${runId}, next step ${nextStep}, attempt ${epoch}`;
}

function queueTable(queues: readonly QueueState__Output[]): string {
  const header = [
    ...['queue', 'rows', 'precision', 'size'],
    ...['version', 'pending', 'readers', 'runs', 'teacher'],
  ];
  const rows = queues.map((state) => {
    const { queue = '', capacity = 0, featDim = 0 } = state.spec ?? {};
    const precision = fromWirePrecision(state.spec?.precision);
    return [
      queue,
      `${capacity} x ${featDim}`,
      precision,
      bytes(capacity * featDim * bytesPerValue(precision)),
      String(state.version),
      String(state.pendingBatches),
      String(state.subscribers),
      state.spec?.shared ? String(state.members.length) : 'its own',
      (state.spec?.teacherDigest ?? '').slice(0, digestLength),
    ];
  });
  return table(header, rows);
}
