import { escaped, figure, margin, titleHeight } from './figure.js';

const side = 480;
const barWidth = 16;
/** The reference's colour scale ends here. */
const highest = 3;

/** White over light to dark blue, as the paper's figure. */
function blue(value: number): string {
  const share = Math.min(1, Math.max(0, value / highest));
  const mix = (from: number, to: number) =>
    Math.round(from + (to - from) * share);
  return `rgb(${mix(247, 8)},${mix(251, 48)},${mix(255, 107)})`;
}

/** A square matrix as coloured cells with its scale. [count, count] */
export function heatmap(
  title: string,
  matrix: Float64Array,
  caption: string,
): string {
  const count = Math.sqrt(matrix.length);
  const cell = side / count;
  const cells = Array.from(matrix, (value, i) => {
    const x = margin + (i % count) * cell;
    const y = titleHeight + Math.floor(i / count) * cell;
    return `<rect x="${x.toFixed(2)}" y="${y.toFixed(2)}" width="${(cell + 0.2).toFixed(2)}" height="${(cell + 0.2).toFixed(2)}" fill="${blue(value)}"/>`;
  });
  const left = margin + side + 16;
  const steps = 60;
  const bar = Array.from({ length: steps }, (_, i) => {
    const y = titleHeight + (side * i) / steps;
    const value = highest * (1 - i / (steps - 1));
    return `<rect x="${left}" y="${y}" width="${barWidth}" height="${side / steps + 0.5}" fill="${blue(value)}"/>`;
  });
  const ticks = [0, 1, 2, 3].map((value) => {
    const y = titleHeight + side * (1 - value / highest);
    const inside = Math.min(
      titleHeight + side,
      Math.max(titleHeight + 10, y + 4),
    );
    return `<text x="${left + barWidth + 6}" y="${inside}">${value}</text>`;
  });
  const frame = `<rect x="${margin}" y="${titleHeight}" width="${side}" height="${side}" fill="none" stroke="#888"/>`;
  const bottom = titleHeight + side + 22;
  const text = `<text x="${margin}" y="${bottom}" fill="#444">${escaped(caption)}</text>`;
  return figure(left + barWidth + 40, bottom + margin / 2, title, [
    ...cells,
    ...bar,
    ...ticks,
    frame,
    text,
  ]);
}
