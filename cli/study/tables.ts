import type { Row, Spread, Summary } from './summary.js';

/** A summary for people: Markdown, and CSV with a line for each run. */

const header = [
  ...['Teacher', 'Student', 'Method', 'Seeds'],
  ...['Last epoch, %', 'Best epoch, %', 'Agrees with teacher, %'],
];

export function markdownTable(summary: Summary): string {
  const { study, engines, finishedRuns, plannedRuns, teachers } = summary;
  // A column of nothing would say that we looked and found none.
  const withPaper = summary.rows.some((row) => row.paperAccuracy !== undefined);
  const head = [...header, ...(withPaper ? ["Authors' table, %"] : [])];
  const rows = [
    ...teachers.map(({ network, accuracy }) => [
      ...[network, '', 'teacher', ''],
      ...[accuracy === undefined ? '' : hundredths(accuracy), '', ''],
    ]),
    ...summary.rows.map(cellsOf),
  ].map((cells) => head.map((_, column) => cells[column] ?? ''));
  const about = [
    `Data set ${study.dataset}`,
    `engine ${engines.join(', ') || 'not known yet'}`,
    `${finishedRuns} of ${plannedRuns} runs finished`,
    'mean ± sample standard deviation over seeds',
  ].join('; ');
  const rule = head.map((_, column) => (column < 3 ? '---' : '---:'));
  return `${about}.\n\n${[head, rule, ...rows].map(line).join('\n')}\n`;
}

function cellsOf(row: Row): string[] {
  const { teacher, student, method, seeds, paperAccuracy } = row;
  return [
    ...[teacher, student, method, String(seeds.length)],
    ...[row.lastAccuracy, row.bestAccuracy, row.agreementWithTeacher].map(
      spread,
    ),
    paperAccuracy === undefined ? '' : hundredths(paperAccuracy),
  ];
}

function spread(value: Spread | undefined): string {
  if (value === undefined) return '';
  const { mean, std } = value;
  const mark = std === undefined ? '' : ` ± ${hundredths(std)}`;
  return `${hundredths(mean)}${mark}`;
}

/** A fraction as percent with the two decimals of the literature. */
function hundredths(fraction: number): string {
  return (100 * fraction).toFixed(2);
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

const columns = [
  'runId',
  'engine',
  'steps',
  'testAccuracy',
  'bestTestAccuracy',
  'agreementWithTeacher',
  'imagesPerSecond',
] as const;

/** Accuracies are fractions; no cell holds a comma. */
export function csvTable({ runs }: Summary): string {
  const lines = runs.map((run) =>
    columns.map((column) => run[column] ?? '').join(','),
  );
  return `${[columns.join(','), ...lines].join('\n')}\n`;
}
