import { rngFrom } from './data/rng.js';
import type { TeacherOutput } from './methods/method.js';

/**
 * How a further view of a batch comes from its samples: another crop and flip
 * of each, or each one's own view mixed with that of another sample.
 */
export const viewKinds = ['redraw', 'cutmix', 'mixup'] as const;
export type ViewKind = (typeof viewKinds)[number];

/** Further views of the batch that a term reads, besides the step's own. */
export interface ViewNeed {
  readonly kind: ViewKind;
  readonly count: number;
  /** Outputs of the teacher for them. */
  readonly teacher: ReadonlySet<TeacherOutput>;
}

/** One of a step's further views. */
export interface FurtherView {
  readonly kind: ViewKind;
  /** Of its kind, from 1. */
  readonly number: number;
}

/** What all terms need together: terms of one kind share their views. */
export function mergedViews(needs: readonly ViewNeed[]): readonly ViewNeed[] {
  return viewKinds.flatMap((kind): ViewNeed[] => {
    const own = needs.filter((need) => need.kind === kind);
    const count = Math.max(0, ...own.map((need) => need.count));
    const teacher = new Set(own.flatMap((need) => [...need.teacher]));
    return count > 0 ? [{ kind, count, teacher }] : [];
  });
}

/** Each view that a need names, in its order. */
export function viewsOf({ kind, count }: ViewNeed): FurtherView[] {
  return Array.from({ length: count }, (_, i) => ({ kind, number: i + 1 }));
}

/** In front of its inputs' names: `cutmix1`, whose images are `cutmix1.images`. */
export function viewName({ kind, number }: FurtherView): string {
  return `${kind}${number}`;
}

/** Draws the redrawn view of that number, where `seed` draws a step's own. */
export function redrawSeed(seed: number, number: number): number {
  return rngFrom(seed, 'redraw', number).integer(2 ** 48);
}
