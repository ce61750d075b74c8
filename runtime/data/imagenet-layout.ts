import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CorruptFileError } from '../errors.js';
import { forEachBounded } from './bounded.js';
import type { Entry } from './file-index.js';
import { layoutError, type FileOptions } from './load.js';

const imageFile = /^[^.].*\.(jpe?g|png)$/i;
const statsAtOnce = 16;
/** Lists of names and labels are text of at most this size. */
const maxListBytes = 2 ** 27;

/** An image's path relative to the root, and its class. */
type Labelled = Pick<Entry, 'path' | 'label'>;

/**
 * The samples of a data set in one of ImageNet's layouts:
 *
 * - `train/<class>/<file>` or, as Tiny ImageNet has it,
 *   `train/<class>/images/<file>`; classes are numbered by name;
 * - `val/<class>/<file>`, or `val/images/<file>` with `val/val_annotations.txt`
 *   (Tiny ImageNet), or `val/<file>` with `LOC_val_solution.csv` in the root;
 * - `LOC_synset_mapping.txt` or `words.txt` for readable class names.
 *
 * @throws ConfigInvalidError for another layout
 * @throws CorruptFileError for a list that does not fit the images
 */
export async function listImageNet(options: FileOptions) {
  const { root } = options;
  const classes = await foldersIn(join(root, 'train'));
  if (classes.length === 0) {
    throw layoutError(options, 'a folder that holds train/<class>/');
  }
  const train = await inClassFolders(options, 'train', classes);
  const test = await listVal(options, classes);
  if (train.length === 0) throw layoutError(options, 'images in train/<class>');
  if (test.length === 0) throw layoutError(options, 'images in val/');
  return {
    classNames: await readableNames(root, classes),
    train: await withSizes(root, train, options.signal),
    test: await withSizes(root, test, options.signal),
  };
}

async function listVal(
  options: FileOptions,
  classes: readonly string[],
): Promise<Labelled[]> {
  const { root } = options;
  const annotations = join('val', 'val_annotations.txt');
  const tiny = await readList(root, annotations);
  if (tiny) {
    return labelled(root, annotations, 'val/images', classes, tiny, '\t');
  }
  const solution = await readList(root, 'LOC_val_solution.csv');
  if (solution) {
    const [, ...lines] = solution;
    const rows = lines.map((line) => {
      const [image, prediction = ''] = line.split(',');
      return `${image}.JPEG ${prediction}`;
    });
    return labelled(root, 'LOC_val_solution.csv', 'val', classes, rows, ' ');
  }
  return inClassFolders(options, 'val', classes);
}

/** Rows of a file name, its class and more, parted by `separator`. */
function labelled(
  root: string,
  list: string,
  folder: string,
  classes: readonly string[],
  rows: readonly string[],
  separator: string,
): Labelled[] {
  const numbers = new Map(classes.map((name, number) => [name, number]));
  const samples = rows.map((row, i) => {
    const [file = '', synset = ''] = row.split(separator);
    const label = numbers.get(synset);
    if (label !== undefined && imageFile.test(file) && !file.includes('/')) {
      return { path: `${folder}/${file}`, label };
    }
    const problem = `row ${i + 1} names no image of a known class`;
    throw new CorruptFileError({ path: join(root, list), problem });
  });
  return samples.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function inClassFolders(
  options: FileOptions,
  split: string,
  classes: readonly string[],
): Promise<Labelled[]> {
  const numbers = new Map(classes.map((name, number) => [name, number]));
  const samples: Labelled[] = [];
  for (const name of await foldersIn(join(options.root, split))) {
    options.signal.throwIfAborted();
    const label = numbers.get(name);
    if (label === undefined) {
      throw layoutError(options, `a class of train/, not ${split}/${name}`);
    }
    const own = `${split}/${name}`;
    const nested = `${own}/images`;
    const inner = await foldersIn(join(options.root, own));
    const folder = inner.includes('images') ? nested : own;
    const files = await readdir(join(options.root, folder));
    for (const file of files.filter((each) => imageFile.test(each)).sort()) {
      samples.push({ path: `${folder}/${file}`, label });
    }
  }
  return samples;
}

/** `n01440764 tench, Tinca tinca` or with a tab; else the folder's name. */
async function readableNames(
  root: string,
  classes: readonly string[],
): Promise<string[]> {
  const lines =
    (await readList(root, 'LOC_synset_mapping.txt')) ??
    (await readList(root, 'words.txt')) ??
    [];
  const names = new Map(
    lines.map((line) => {
      const [, synset = '', words = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
      return [synset, words.split(',')[0]!.trim()];
    }),
  );
  return classes.map((synset) => names.get(synset) || synset);
}

async function withSizes(
  root: string,
  samples: readonly Labelled[],
  signal: AbortSignal,
): Promise<Entry[]> {
  const entries = new Array<Entry>(samples.length);
  const measure = async ({ path, label }: Labelled, i: number) => {
    const full = join(root, path);
    const { size } = await stat(full).catch((cause: unknown) => {
      const problem = 'listed, but cannot be read';
      throw new CorruptFileError({ path: full, problem }, { cause });
    });
    entries[i] = { path, label, startByte: 0, bytes: size };
  };
  await forEachBounded(samples, statsAtOnce, measure, signal);
  return entries;
}

/** The lines of a text file that may be there. */
async function readList(
  root: string,
  file: string,
): Promise<string[] | undefined> {
  const path = join(root, file);
  const found = await stat(path).catch(() => undefined);
  if (!found) return undefined;
  if (found.size > maxListBytes) {
    const problem = `${found.size} bytes are no list of names`;
    throw new CorruptFileError({ path, problem });
  }
  const text = await readFile(path, 'utf8');
  return text.split(/\r?\n/).filter((line) => line.trim() !== '');
}

/** Sorted; links are followed, hidden ones left out. */
async function foldersIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  const folders: string[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith('.') || entry.isFile()) continue;
    const isFolder =
      entry.isDirectory() || (await stat(join(path, entry.name))).isDirectory();
    if (isFolder) folders.push(entry.name);
  }
  return folders.sort();
}
