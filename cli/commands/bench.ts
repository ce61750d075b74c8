import { Command, InvalidArgumentError, Option } from 'commander';
import { closedLoop } from '../load/closed-loop.js';
import { openTarget, protocols, type Protocol } from '../load/targets.js';
import {
  jsonOption,
  positiveInteger,
  teacherOption,
  tlsCaOption,
  tlsIdentityOption,
  tlsOf,
  type TeacherFlags,
} from '../options.js';

interface LoadFlags extends TeacherFlags {
  readonly model: string;
  readonly protocol: Protocol;
  readonly clients: number;
  readonly batch: number;
  readonly seconds: number;
  readonly json?: boolean;
}

const teacher = new Command('teacher')
  .description('a load of equal clients, each of which asks without a pause')
  .addOption(teacherOption('a teacher, or a KServe server'))
  .requiredOption('--model <name>', 'a model of it')
  .addOption(
    new Option('--protocol <name>', 'what it speaks')
      .choices(protocols)
      .default('rrd'),
  )
  .addOption(counted('--clients <n>', 'requests at a time', 1024, 16))
  .addOption(counted('--batch <n>', 'images of a request', 4096, 4))
  .addOption(counted('--seconds <n>', 'how long, at most 600', 600, 10))
  .addOption(tlsCaOption)
  .addOption(tlsIdentityOption)
  .addOption(jsonOption)
  .action(async (flags: LoadFlags) => {
    const { clients, batch, seconds, protocol, model } = flags;
    const tls = tlsOf(flags);
    const address = flags.teacher;
    const target = await openTarget(protocol, {
      ...{ address, tls, model, clients, batch },
    });
    try {
      const report = await closedLoop({
        ...{ clients, batch, seconds, warmUpSeconds: 1 },
        ask: (client) => target.ask(client),
      });
      console.log(flags.json ? JSON.stringify(report) : textOf(report));
    } finally {
      target.close();
    }
  });

export const benchCommand = new Command('bench')
  .description('measures a running service')
  .addCommand(teacher);

function counted(flag: string, text: string, max: number, usual: number) {
  return new Option(flag, text).default(usual).argParser((value) => {
    const count = positiveInteger(value);
    if (count <= max) return count;
    throw new InvalidArgumentError(`at most ${max} is expected`);
  });
}

function textOf(report: Awaited<ReturnType<typeof closedLoop>>): string {
  const { requests, imagesPerSecond, p50Ms, p95Ms, p99Ms, failures } = report;
  const failed = Object.entries(failures).map(([why, n]) => `${n} ${why}`);
  return [
    `${imagesPerSecond} img/s in ${requests} requests`,
    `p50 ${p50Ms} ms, p95 ${p95Ms} ms, p99 ${p99Ms} ms`,
    `failures: ${failed.join(', ') || 'none'}`,
  ].join('\n');
}
