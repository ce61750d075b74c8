import { z } from 'zod';

const factor = z.number().nonnegative();

const scheduleSchema = z
  .strictObject({
    /** In epoch 1. */
    from: factor,
    /** From epoch `epochs + 1` on. */
    to: factor,
    /** How many epochs the way takes. */
    epochs: z.number().int().positive().max(100_000),
    shape: z.enum(['linear', 'cosine', 'exponential']).default('linear'),
  })
  .refine(({ from, to }) => from > 0 || to > 0, {
    message: 'above 0 at one end at least',
  })
  .refine(({ shape, from, to }) => shape !== 'exponential' || from * to > 0, {
    message: 'above 0 at both ends, for an exponential shape',
  });

/** A factor of the loss: the same in every epoch, or on its way. */
export const weightSchema = z.union([factor, scheduleSchema]);

export type WeightSchedule = z.infer<typeof scheduleSchema>;
export type Weight = z.infer<typeof weightSchema>;

/**
 * The weight in `epoch` of the run, from 1; constant within an epoch.
 * `exponential` multiplies by the same factor each epoch: from 100 to
 * 100 * 0.7^49 over 49 epochs is the critical period of information flow
 * (arXiv 2005.00727, section 3.3).
 */
export function weightAt(weight: Weight, epoch: number): number {
  if (typeof weight === 'number') return weight;
  const { from, to, epochs, shape } = weight;
  const gone = Math.min(1, (epoch - 1) / epochs);
  switch (shape) {
    case 'linear':
      return from + (to - from) * gone;
    case 'cosine':
      return to + ((from - to) * (1 + Math.cos(Math.PI * gone))) / 2;
    case 'exponential':
      return from * (to / from) ** gone;
    default:
      return shape satisfies never;
  }
}

/** Whether it is above 0 in any epoch. */
export function everCounts(weight: Weight): boolean {
  return typeof weight !== 'number' || weight > 0;
}
