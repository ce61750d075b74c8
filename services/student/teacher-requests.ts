import { type Experiment, needsOf } from '#distill/experiment.js';
import { mapNamesOf } from '#distill/map-names.js';
import type { TeacherTensor } from '#distill/methods/method.js';
import { viewName, viewsOf } from '#distill/views.js';
import type { Plan } from './plan.js';
import type { BatchRef } from './trainer-api.js';

export interface TeacherRequest {
  readonly batch: BatchRef;
  readonly outputs: ReadonlySet<TeacherTensor>;
}

/** What a rank's step asks of the teacher. */
export interface RankRequests {
  readonly batch: TeacherRequest;
  /** By the names of the further views. */
  readonly views: Readonly<Record<string, TeacherRequest>>;
}

export type RequestsOf = (step: number, rank: number) => RankRequests;

/** @param mapCount of the teacher */
export function teacherRequests(plan: Plan, mapCount: number): RequestsOf {
  const wanted = plan.phases.map(({ loss }) => wantedOf(loss, mapCount));
  return (step, rank) => {
    const { batch, views } = wanted[plan.phaseOf(step)]!;
    const seen = Object.entries(plan.rankViewsOf(step, rank));
    return {
      batch: { batch: plan.rankBatchOf(step, rank), outputs: batch },
      views: Object.fromEntries(
        seen.map(([name, view]) => [
          name,
          { batch: view, outputs: views[name]! },
        ]),
      ),
    };
  };
}

/** What the terms read of the teacher: for the batch, and for each view. */
function wantedOf(loss: Experiment['loss'], mapCount: number) {
  const needs = needsOf({ loss });
  const maps = mapNamesOf(needs, mapCount);
  const views = (needs.views ?? []).flatMap((need) =>
    viewsOf(need).map((view) => [viewName(view), need.teacher] as const),
  );
  return {
    batch: new Set<TeacherTensor>([...needs.teacher, ...maps]),
    views: Object.fromEntries<ReadonlySet<TeacherTensor>>(views),
  };
}
