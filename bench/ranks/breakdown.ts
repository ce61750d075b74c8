import { setTimeout as sleep } from 'node:timers/promises';
import { table } from '../../cli/text.js';
import { measurementsOf, runToEnd } from '../../test/cluster.js';
import { type Span, startOtlpReceiver } from '../../test/otlp-receiver.js';
import { msOf, observe } from '../../test/observed.js';
import { median } from '../statistics.js';
import type { Environments } from '../../test/processes.js';
import {
  type ScalePlace,
  scaleExperiment,
  startScale,
  stepsOfRun,
} from '../scale/world.js';

/** Where the time of a step goes; medians over steps and workers. */
export interface Breakdown {
  readonly ranks: number;
  /** Until the teacher's outputs and the bank's commit are there. */
  readonly waitMs: number;
  /** The bank's part of it: for the commit, once the teacher has answered. */
  readonly bankWaitMs: number;
  /** Everything after it. */
  readonly computeMs: number;
  /** Of a single rank: its first half. Of one rank, there are no halves. */
  readonly gradientsMs?: number;
  /** Until the mean is there: waiting for a slower worker is part of it. */
  readonly allReduceMs?: number;
  readonly applyMs?: number;
  /** A step, both directions, all workers together. */
  readonly allReduceBytes: number;
  readonly bankBytes: number;
  readonly teacherBytes: number;
}

const firstSteps = 4;

/** A run of its own whose processes are traced. */
export async function measureBreakdown(
  place: ScalePlace,
  ranks: number,
  environments: Environments,
): Promise<Breakdown> {
  const { world, engine } = place;
  await using receiver = await startOtlpReceiver();
  const observed = await observe(
    ...([3 + ranks, environments, receiver.url] as const),
  );
  await using cluster = await startScale(place, ranks, observed.environments);
  const runId = `traced-${ranks}`;
  const experiment = scaleExperiment(engine, { dataSeed: 99, ranks });
  await runToEnd(cluster.orchestratorAddress, experiment, runId);
  await sleep(1_000); // spans are sent every tenth of a second
  const bytesOf = async (service: string) => {
    const label = `rpc_service="rrd.v1.${service}"`;
    // The students are an end of every call.
    const sent = 'rrd_rpc_sent_total';
    const received = 'rrd_rpc_received_total';
    const each = [sent, received].map((metric) =>
      observed.total('student', metric, label),
    );
    const [out, back] = await Promise.all(each);
    const ends = service === 'CollectiveService' ? 2 : 1;
    return Math.round((out! + back!) / ends / stepsOfRun);
  };
  const lines = await measurementsOf(world.runsDir, runId);
  const steps = lines.filter(({ type }) => type === 'step').slice(firstSteps);
  const middle = (key: string) =>
    median(steps.map((own) => own[key] as number));
  return {
    ...{ ranks, waitMs: middle('waitMs'), computeMs: middle('computeMs') },
    ...partsOf(receiver.spans),
    allReduceBytes: await bytesOf('CollectiveService'),
    bankBytes: await bytesOf('MemoryBankService'),
    teacherBytes: await bytesOf('TeacherService'),
  };
}

function partsOf(spans: readonly Span[]) {
  const middle = (name: string) => {
    const own = spans.filter((span) => span.name === `rrd.student.${name}`);
    return own.length > 0 ? median(own.map(msOf)) : undefined;
  };
  const [gradientsMs, allReduceMs, applyMs] = [
    ...['gradients', 'all_reduce', 'apply'].map(middle),
  ];
  return {
    bankWaitMs: middle('mirror_wait') ?? 0,
    ...(gradientsMs !== undefined && { gradientsMs }),
    ...(allReduceMs !== undefined && { allReduceMs }),
    ...(applyMs !== undefined && { applyMs }),
  };
}

export function printBreakdown(all: readonly Breakdown[]): void {
  const ms = (value: number | undefined) => value?.toFixed(1) ?? '-';
  const kib = (value: number) => (value / 1024).toFixed(0);
  const rows = all.map((own) => [
    ...[String(own.ranks), ms(own.waitMs), ms(own.bankWaitMs)],
    ...[ms(own.computeMs), ms(own.gradientsMs), ms(own.allReduceMs)],
    ...[ms(own.applyMs), kib(own.allReduceBytes), kib(own.bankBytes)],
    kib(own.teacherBytes),
  ]);
  const header = [
    ...['ranks', 'wait ms', 'of it bank', 'compute ms', 'gradients'],
    ...['all-reduce', 'apply', 'all-reduce KiB', 'bank KiB', 'teacher KiB'],
  ];
  console.log(table(header, rows));
}
