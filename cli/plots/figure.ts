import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import sharp from 'sharp';

/** Margin that every figure keeps on each side, and the height of its title. */
export const margin = 24;
export const titleHeight = 40;

/** A figure of `parts` below a title, as an SVG document. */
export function figure(
  width: number,
  height: number,
  title: string,
  parts: readonly string[],
): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13">`,
    '<rect width="100%" height="100%" fill="white"/>',
    `<text x="${margin}" y="28" font-size="16">${escaped(title)}</text>`,
    ...parts,
    '</svg>',
  ].join('\n');
}

export function escaped(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;' };
  return text.replace(/[&<]/g, (character) => entities[character]!);
}

/** Writes `<base>.svg` and `<base>.png`, twice as fine as a screen. */
export async function writeFigure(
  base: string,
  svg: string,
): Promise<readonly string[]> {
  const files = [`${base}.svg`, `${base}.png`];
  await mkdir(dirname(base), { recursive: true });
  await writeFile(files[0]!, svg);
  const density = 144;
  await sharp(Buffer.from(svg), { density }).png().toFile(files[1]!);
  return files;
}
