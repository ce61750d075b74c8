import type { RunResult__Output } from '#proto/rrd/v1/RunResult.js';
import { bytes, percent, table } from '../text.js';
import type { ComparedMethod, QuickstartOptions } from './plan.js';

/** What quickstart found: the contents of `summary.json`. */
export interface Summary {
  readonly engine: string;
  readonly dataset: string;
  readonly teacher: { readonly network: string; readonly accuracy: number };
  /** Rows of the memory bank (K). */
  readonly capacity: number;
  readonly students: readonly StudentSummary[];
}

/** Accuracies and agreement are fractions of the test split. */
export interface StudentSummary {
  readonly method: ComparedMethod;
  readonly network: string;
  readonly accuracy: number;
  readonly imagesPerSecond: number;
  readonly steps: number;
  readonly teacherBytes: number;
  readonly bankBytes: number;
  readonly bankVersions: number;
  readonly agreementWithTeacher: number;
}

export function summarize(
  options: QuickstartOptions,
  teacher: RunResult__Output,
  students: readonly (readonly [ComparedMethod, RunResult__Output])[],
): Summary {
  return {
    engine: teacher.engine,
    dataset: options.dataset,
    teacher: {
      network: options.teacherNetwork,
      accuracy: teacher.testAccuracy,
    },
    capacity: options.capacity,
    students: students.map(([method, result]) => ({
      method,
      network: options.studentNetwork,
      accuracy: result.testAccuracy,
      imagesPerSecond: result.imagesPerSecond,
      steps: result.steps,
      teacherBytes: result.teacherBytes,
      bankBytes: result.bankBytes,
      bankVersions: result.bankVersions,
      agreementWithTeacher: result.agreementWithTeacher ?? 0,
    })),
  };
}

export function summaryTable(summary: Summary): string {
  const { teacher, students } = summary;
  const header = [
    'method',
    'network',
    'accuracy',
    'agrees with teacher',
    'img/s',
    'steps',
    'from teacher',
    'to and from bank',
    'versions',
  ];
  const teacherRow = ['(teacher)', teacher.network, percent(teacher.accuracy)];
  const rows = students.map((student) => [
    student.method,
    student.network,
    percent(student.accuracy),
    percent(student.agreementWithTeacher),
    student.imagesPerSecond.toFixed(0),
    String(student.steps),
    bytes(student.teacherBytes),
    bytes(student.bankBytes),
    String(student.bankVersions),
  ]);
  const about = `data set ${summary.dataset}, engine ${summary.engine}, bank capacity ${summary.capacity}`;
  return `${about}\n\n${table(header, [teacherRow, ...rows])}`;
}
