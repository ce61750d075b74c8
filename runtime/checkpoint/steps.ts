import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The checkpoints of one run: folders `step-<step>` inside one folder, padded
 * so that they also sort by name.
 */

const pattern = /^step-(\d{8,})$/;

export interface StepCheckpoint {
  readonly step: number;
  readonly path: string;
}

export function stepPath(folder: string, step: number): string {
  return join(folder, `step-${String(step).padStart(8, '0')}`);
}

/** Oldest first; empty when the folder is not there. */
export async function listSteps(folder: string): Promise<StepCheckpoint[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names
    .flatMap((name) => {
      const digits = pattern.exec(name)?.[1];
      return digits ? [{ step: Number(digits), path: join(folder, name) }] : [];
    })
    .sort((a, b) => a.step - b.step);
}

/** Removes all but the newest `count` checkpoints. */
export async function keepNewest(folder: string, count: number): Promise<void> {
  const steps = await listSteps(folder);
  for (const { path } of steps.slice(0, Math.max(0, steps.length - count))) {
    await rm(path, { recursive: true, force: true });
  }
}
