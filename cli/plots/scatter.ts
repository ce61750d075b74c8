import { escaped, figure, margin, titleHeight } from './figure.js';

const side = 520;
/** Beyond so many classes a legend explains nothing. */
const maxLegend = 20;

/** Colours that stay apart for as many classes as there are. */
function colourOf(label: number, count: number): string {
  const hue = (360 * label) / count;
  return `hsl(${hue.toFixed(0)},62%,${label % 2 === 0 ? 46 : 60}%)`;
}

/** Points in the colours of their classes. [labels.length, 2] */
export function scatter(
  title: string,
  places: Float64Array,
  labels: ArrayLike<number>,
  classNames: readonly string[],
): string {
  const reach = places.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-9);
  const scale = side / 2 / (1.04 * reach);
  const circles = Array.from({ length: labels.length }, (_, i) => {
    const x = margin + side / 2 + scale * places[2 * i]!;
    const y = titleHeight + side / 2 + scale * places[2 * i + 1]!;
    const fill = colourOf(labels[i]!, classNames.length);
    return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3" fill="${fill}" fill-opacity="0.6"/>`;
  });
  const named = classNames.length <= maxLegend ? classNames : [];
  const left = margin + side + 16;
  const legend = named.flatMap((name, label) => {
    const y = titleHeight + 14 + 20 * label;
    return [
      `<circle cx="${left + 5}" cy="${y - 4}" r="5" fill="${colourOf(label, classNames.length)}"/>`,
      `<text x="${left + 16}" y="${y}">${escaped(name)}</text>`,
    ];
  });
  const longest = Math.max(0, ...named.map(({ length }) => length));
  const width = left + (named.length > 0 ? 24 + 7.5 * longest : 8);
  return figure(width, titleHeight + side + margin, title, [
    ...circles,
    ...legend,
  ]);
}
