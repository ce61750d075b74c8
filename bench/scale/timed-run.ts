import { readFile } from 'node:fs/promises';
import type { Experiment } from '#distill/experiment.js';
import { lossesOf, measurementsOf, runToEnd } from '../../test/cluster.js';
import type { ProcessCluster, Role } from '../../test/processes.js';
import { median } from '../statistics.js';
import { prefetch } from './world.js';

/** A step of a run, in its steady stretch. */
export interface StepTimes {
  /** From one step's end to the next one's: the median. */
  readonly ms: number;
  /** Of it, waiting for teacher and bank. */
  readonly waitMs: number;
  /** Processor time of all four services, and of each role's processes. */
  readonly cpuMs: number;
  readonly cpuMsOf: Readonly<Record<Role, number>>;
  /** Cores that other programs used in the meantime. */
  readonly othersCores: number;
  readonly losses: readonly number[];
}

const roles = ['teacher', 'memory-bank', 'student', 'orchestrator'] as const;

interface Sample {
  readonly step: number;
  readonly atMs: number;
  readonly byRole: Readonly<Record<Role, number>>;
  readonly machineMs: number;
}

/**
 * Runs an experiment and takes the time of the steps for each of which the
 * teacher answers one: neither the first ones, for which it worked while the
 * student compiled, nor the last ones, which it answered before.
 */
export async function timedRun(
  cluster: ProcessCluster,
  runsDir: string,
  experiment: Experiment,
  runId: string,
): Promise<StepTimes> {
  const samples: Promise<Sample>[] = [];
  const address = cluster.orchestratorAddress;
  await runToEnd(address, experiment, runId, ({ progress }) => {
    if (progress) samples.push(sampleOf(cluster, Number(progress.step)));
  });
  const lines = await measurementsOf(runsDir, runId);
  const all = lines.filter(({ type }) => type === 'step');
  const [from, to] = [prefetch + 2, all.length - prefetch - 1];
  const steady = all.slice(from, to);
  const middle = (of: (line: Record<string, unknown>) => number) =>
    median(steady.map(of));
  const waitOf = (line: Record<string, unknown>) => line['waitMs'] as number;
  return {
    ms: middle((line) => waitOf(line) + (line['computeMs'] as number)),
    waitMs: middle(waitOf),
    ...usedBetween(await Promise.all(samples), from, to),
    losses: await lossesOf(runsDir, runId),
  };
}

function usedBetween(samples: readonly Sample[], from: number, to: number) {
  const within = samples.filter(({ step }) => step >= from && step <= to);
  const [first, last] = [within[0]!, within.at(-1)!];
  const each = roles.map((role) => {
    const usedMs = last.byRole[role] - first.byRole[role];
    return [role, usedMs / (last.step - first.step)] as const;
  });
  const cpuMs = each.reduce((sum, [, ms]) => sum + ms, 0);
  const machineMs = last.machineMs - first.machineMs;
  const othersMs = machineMs - cpuMs * (last.step - first.step);
  return {
    cpuMs,
    cpuMsOf: Object.fromEntries(each) as Record<Role, number>,
    othersCores: othersMs / (last.atMs - first.atMs),
  };
}

/** Processor time of each role's processes so far. */
export async function cpuMsByRole(
  cluster: ProcessCluster,
): Promise<Record<Role, number>> {
  const each = roles.map(async (role) => {
    const processes = cluster.all(role).map(({ pid }) => cpuMsOf(pid));
    const used = await Promise.all(processes);
    return [role, used.reduce((sum, ms) => sum + ms, 0)] as const;
  });
  return Object.fromEntries(await Promise.all(each)) as Record<Role, number>;
}

async function sampleOf(
  cluster: ProcessCluster,
  step: number,
): Promise<Sample> {
  const atMs = performance.now();
  const byRole = await cpuMsByRole(cluster);
  return { step, atMs, byRole, machineMs: await machineCpuMs() };
}

const msPerTick = 10; // USER_HZ is 100 wherever Linux runs Node

/** Processor time that a process has used so far. */
export async function cpuMsOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return msPerTick * (Number(fields[11]) + Number(fields[12]));
}

/** That of the whole machine, but what it idled or waited. */
async function machineCpuMs(): Promise<number> {
  const [line = ''] = (await readFile('/proc/stat', 'utf8')).split('\n');
  const [user, nice, system, , , irq, soft, steal] = line
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return msPerTick * (user! + nice! + system! + irq! + soft! + steal!);
}
