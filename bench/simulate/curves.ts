import { table } from '../../cli/text.js';
import { simulate } from './model.js';
import type { Load, Parameters, Part } from './parameters.js';

const studentCounts = [1, 4, 16, 64, 250, 1000] as const;
const teacherCounts = [1, 10, 100] as const;

/** Every student for itself; one run of them all, as ranks. */
export const shapes = ['independent', 'ranks'] as const;
export type Shape = (typeof shapes)[number];

export interface Point {
  readonly shape: Shape;
  readonly students: number;
  readonly teachers: number;
  readonly stepMs: number;
  /** Steps of a student with a batch of its own, all students together. */
  readonly stepsPerSecond: number;
  readonly bottleneck: Part;
}

export function curvesOf(parameters: Parameters): readonly Point[] {
  return shapes.flatMap((shape) =>
    teacherCounts.flatMap((teachers) =>
      studentCounts.map((students) => {
        const ranksPerRun = shape === 'ranks' ? students : 1;
        const load: Load = { students, ranksPerRun, teachers };
        return { shape, ...load, ...simulate(parameters, load) };
      }),
    ),
  );
}

/** The first part but the student that holds a curve up, and from how many. */
export function firstBottlenecks(points: readonly Point[]) {
  return shapes.flatMap((shape) =>
    teacherCounts.map((teachers) => {
      const own = points.filter(
        (point) => point.shape === shape && point.teachers === teachers,
      );
      const first = own.find(({ bottleneck }) => bottleneck !== 'student');
      const { bottleneck = 'student', students = Infinity } = first ?? {};
      const from = Number.isFinite(students) ? students : undefined;
      return { shape, teachers, bottleneck, students: from };
    }),
  );
}

export function printCurves(title: string, points: readonly Point[]): void {
  const rows = shapes.flatMap((shape) =>
    studentCounts.map((students) => [
      `${students} ${shape}`,
      ...teacherCounts.flatMap((teachers) => {
        const point = points.find(
          (own) =>
            own.shape === shape &&
            own.students === students &&
            own.teachers === teachers,
        )!;
        const { stepMs, bottleneck } = point;
        return [stepMs.toPrecision(3), bottleneck];
      }),
    ]),
  );
  const header = teacherCounts.flatMap((teachers) => [
    `${teachers} teachers: ms`,
    'bottleneck',
  ]);
  console.log(`\n${title}`);
  console.log(table(['students', ...header], rows));
}
