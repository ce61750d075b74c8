import { locationIn, placeAt } from './places/location.js';

/**
 * The checkpoints of one run: `step-<step>` below one location, padded so that
 * they also sort by name.
 */

const pattern = /^step-(\d{8,})$/;

export interface StepCheckpoint {
  readonly step: number;
  readonly location: string;
}

export function stepLocation(runLocation: string, step: number): string {
  return locationIn(runLocation, nameOf(step));
}

function nameOf(step: number): string {
  return `step-${String(step).padStart(8, '0')}`;
}

/** Oldest first; empty when there is nothing at that location. */
export async function listSteps(
  runLocation: string,
): Promise<StepCheckpoint[]> {
  const place = await placeAt(runLocation);
  return (await place.list())
    .flatMap((name) => {
      const digits = pattern.exec(name)?.[1];
      if (!digits) return [];
      return [
        { step: Number(digits), location: locationIn(runLocation, name) },
      ];
    })
    .sort((a, b) => a.step - b.step);
}

/** Removes all but the newest `count` checkpoints. */
export async function keepNewest(
  runLocation: string,
  count: number,
): Promise<void> {
  const place = await placeAt(runLocation);
  const steps = await listSteps(runLocation);
  for (const { step } of steps.slice(0, Math.max(0, steps.length - count)))
    await place.remove(nameOf(step));
}
