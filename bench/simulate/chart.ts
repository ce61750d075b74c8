import {
  escaped,
  figure,
  margin,
  titleHeight,
} from '../../cli/plots/figure.js';
import type { Point } from './curves.js';
import type { Part } from './parameters.js';

const width = 520;
const height = 340;
const left = margin + 56;
const dashes: Readonly<Record<number, string>> = { 1: '2 3', 10: '7 4' };
const colours: Readonly<Record<Part, string>> = {
  student: '#2a7f3f',
  teacher: '#c0392b',
  bank: '#8e44ad',
  'bank uplink': '#2c5fb3',
  'all-reduce': '#d68910',
};

/** Places of values from 1 to `most`, by their logarithm. */
function logScale(most: number, length: number) {
  const decades = Math.ceil(Math.log10(most));
  const ticks = Array.from({ length: decades + 1 }, (_, power) => 10 ** power);
  const at = (value: number) =>
    (length * Math.log10(Math.max(1, value))) / decades;
  return { ticks, at };
}

/**
 * Steps a second of all students over their number, a line for each number of
 * teachers, each point in the colour of its bottleneck.
 */
export function chart(title: string, points: readonly Point[]): string {
  const most = Math.max(...points.map((point) => point.stepsPerSecond));
  const across = logScale(1000, width);
  const up = logScale(most, height);
  const x = (students: number) => left + across.at(students);
  const y = (rate: number) => titleHeight + height - up.at(rate);
  const counts = [...new Set(points.map(({ teachers }) => teachers))];
  const lines = counts.map((teachers) => {
    const own = points.filter((point) => point.teachers === teachers);
    const places = own.map(
      ({ students, stepsPerSecond }) =>
        `${x(students).toFixed(1)},${y(stepsPerSecond).toFixed(1)}`,
    );
    return `<polyline points="${places.join(' ')}" fill="none" stroke="#666" stroke-dasharray="${dashes[teachers] ?? ''}"/>`;
  });
  const dots = points.map(
    ({ students, stepsPerSecond, bottleneck }) =>
      `<circle cx="${x(students).toFixed(1)}" cy="${y(stepsPerSecond).toFixed(1)}" r="4" fill="${colours[bottleneck]}"/>`,
  );
  const bottom = titleHeight + height;
  const axes = [
    ...across.ticks.map(
      (tick) =>
        `<text x="${x(tick)}" y="${bottom + 18}" text-anchor="middle">${tick}</text><line x1="${x(tick)}" x2="${x(tick)}" y1="${titleHeight}" y2="${bottom}" stroke="#ddd"/>`,
    ),
    ...up.ticks.map(
      (tick) =>
        `<text x="${left - 8}" y="${y(tick) + 4}" text-anchor="end">${tick}</text><line x1="${left}" x2="${left + width}" y1="${y(tick)}" y2="${y(tick)}" stroke="#ddd"/>`,
    ),
    `<text x="${left + width / 2}" y="${bottom + 38}" text-anchor="middle">students</text>`,
    `<text x="${margin - 6}" y="${titleHeight + height / 2}" text-anchor="middle" transform="rotate(-90 ${margin - 6} ${titleHeight + height / 2})">batches learnt a second</text>`,
  ];
  const right = left + width + 20;
  const parts = [...axes, ...lines, ...dots, ...legend(right, counts)];
  return figure(right + 150, bottom + 38 + margin, title, parts);
}

function legend(x: number, counts: readonly number[]): string[] {
  const row = (i: number) => titleHeight + 14 + 20 * i;
  const lines = counts.map(
    (teachers, i) =>
      `<line x1="${x}" x2="${x + 26}" y1="${row(i) - 4}" y2="${row(i) - 4}" stroke="#666" stroke-dasharray="${dashes[teachers] ?? ''}"/><text x="${x + 34}" y="${row(i)}">${teachers} teacher${teachers === 1 ? '' : 's'}</text>`,
  );
  const named = Object.entries(colours).map(([part, colour], i) => {
    const y = row(counts.length + 1 + i);
    return `<circle cx="${x + 5}" cy="${y - 4}" r="4" fill="${colour}"/><text x="${x + 16}" y="${y}">${escaped(part)}</text>`;
  });
  const what = row(counts.length);
  return [...lines, `<text x="${x}" y="${what}">held up by</text>`, ...named];
}
