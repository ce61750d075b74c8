import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Curve } from './curves.js';
import type { Summary } from './summary.js';
import { bytes, percent } from '../text.js';

/** A page that needs nothing but itself: no server, no network. */
export function reportPage(summary: Summary, curves: readonly Curve[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>rrd quickstart: ${escapeHtml(summary.dataset)}</title>
<style>${asset('uplot/dist/uPlot.min.css')}${style}</style>
</head>
<body>
<main>
<h1>Distilling ${escapeHtml(summary.teacher.network)} into ${escapeHtml(summary.students[0]?.network ?? '')}</h1>
<p>Data set <b>${escapeHtml(summary.dataset)}</b>, engine <b>${escapeHtml(summary.engine)}</b>,
memory bank of <b>${summary.capacity}</b> embeddings, teacher accuracy
<b>${percent(summary.teacher.accuracy)}</b>.</p>
${resultTable(summary)}
<h2>Test accuracy</h2><div id="accuracy"></div>
<h2>Training loss</h2>
<p>Each method minimises another sum of terms, so compare shapes, not heights.
Smoothed over neighbouring steps.</p>
<div id="loss"></div>
</main>
<script>${asset('uplot/dist/uPlot.iife.min.js')}</script>
<script>const curves = ${asScript(curves.map(smooth))};
${drawing}</script>
</body>
</html>
`;
}

function resultTable({ students }: Summary): string {
  const header = [
    'method',
    'accuracy',
    'agrees with teacher',
    'images/s',
    'from teacher',
    'to and from bank',
  ];
  const rows = students.map((student) => [
    student.method,
    percent(student.accuracy),
    percent(student.agreementWithTeacher),
    student.imagesPerSecond.toFixed(0),
    bytes(student.teacherBytes),
    bytes(student.bankBytes),
  ]);
  const row = (tag: string) => (cells: string[]) =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`;
  return `<table class="results">${row('th')(header)}${rows.map(row('td')).join('')}</table>`;
}

/** Points that a curve keeps: more than a screen shows only costs bytes. */
const pointsPerCurve = 300;

/** Means over equal windows of steps. */
function smooth(curve: Curve): Curve {
  const window = Math.max(1, Math.ceil(curve.steps.length / pointsPerCurve));
  const steps: number[] = [];
  const losses: number[] = [];
  for (let start = 0; start < curve.steps.length; start += window) {
    const values = curve.losses.slice(start, start + window);
    steps.push(curve.steps[start] ?? 0);
    losses.push(values.reduce((sum, value) => sum + value, 0) / values.length);
  }
  return { ...curve, steps, losses };
}

function asset(path: string): string {
  return readFileSync(createRequire(import.meta.url).resolve(path), 'utf8');
}

/** JSON that cannot end its script element early. */
function asScript(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

const style = `
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; color: #1b1f24; }
main { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table.results { border-collapse: collapse; margin: 1.5rem 0; }
table.results :is(th, td) { padding: 0.3rem 0.9rem; text-align: right; border-bottom: 1px solid #d8dee4; }
table.results :is(th, td):first-child { text-align: left; }
h2 { margin-top: 2.5rem; }
`;

const drawing = `
const colours = ['#57606a', '#bf8700', '#0969da', '#8250df', '#1a7f37'];
function draw(id, xs, ys, format) {
  const x = [...new Set(curves.flatMap((curve) => curve[xs]))].sort((a, b) => a - b);
  const columns = curves.map((curve) => {
    const at = new Map(curve[xs].map((value, i) => [value, curve[ys][i]]));
    return x.map((value) => at.get(value) ?? null);
  });
  const series = curves.map((curve, i) => ({
    label: curve.label, stroke: colours[i % colours.length], width: 2,
    spanGaps: true, value: (_, v) => v == null ? '' : format(v),
  }));
  const element = document.getElementById(id);
  new uPlot({
    width: element.clientWidth, height: 340, scales: { x: { time: false } },
    axes: [{ label: xs }, { size: 75, values: (_, ticks) => ticks.map(format) }],
    series: [{ label: xs }, ...series],
  }, [x, ...columns], element);
}
draw('accuracy', 'epochs', 'accuracies', (v) => (100 * v).toFixed(1) + ' %');
draw('loss', 'steps', 'losses', (v) => v.toFixed(3));
`;
