import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  cpSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { packageRoot } from '#runtime/paths.js';

/**
 * What an image is made of where no registry is at hand: this checkout as
 * built, and this machine's programs with the libraries that they load.
 */

/** The checkout, as the build stage of deploy/Dockerfile would leave it. */
export function stageApp(folder: string): void {
  const own = ['package.json', 'LICENSE', 'NOTICE', 'bin', 'deploy', 'proto'];
  for (const path of [...own, 'dist', ...productionPackages()]) {
    const from = join(packageRoot, path);
    const to = join(folder, path);
    mkdirSync(dirname(to), { recursive: true });
    if (statSync(from).isFile()) copyFileSync(from, to);
    else linkTree(from, to);
  }
}

/** Where the shell would find `program`. */
export function programPath(program: string): string {
  const folders = (process.env['PATH'] ?? '').split(':');
  const path = folders.map((folder) => join(folder, program)).find(existsSync);
  if (path === undefined) throw new Error(`${program} is not on the PATH`);
  return path;
}

/** A container context: a root file system with `programs`, and with what /app's addons load. */
export function stageBase(
  folder: string,
  programs: readonly string[],
  app: string,
): void {
  const root = join(folder, 'root');
  const addons = filesOf(app).filter((file) => /\.(node|so[.\d]*)$/.test(file));
  for (const path of [
    ...programs,
    ...librariesOf([...programs, ...addons], app),
  ]) {
    const to = programs.includes(path) ? join('/usr/bin', nameOf(path)) : path;
    mkdirSync(dirname(join(root, to)), { recursive: true });
    copyFileSync(path, join(root, to));
  }
  mkdirSync(join(root, 'etc'));
  writeFileSync(join(root, 'etc/passwd'), 'rrd:x:10001:10001::/tmp:\n');
  const dockerfile = 'FROM scratch\nCOPY root /\nENV PATH=/usr/bin\n';
  writeFileSync(join(folder, 'Dockerfile'), dockerfile);
}

interface Lock {
  packages: Record<string, { dev?: boolean; devOptional?: boolean }>;
}

/** Folders of the installed packages that are needed at run time. */
function productionPackages(): string[] {
  const lock = join(packageRoot, 'node_modules/.package-lock.json');
  const { packages } = JSON.parse(readFileSync(lock, 'utf8')) as Lock;
  return (
    Object.entries(packages)
      .filter(([, { dev, devOptional }]) => !dev && !devOptional)
      .map(([path]) => path)
      // A nested package comes with the one around it.
      .filter((path) => path.lastIndexOf('node_modules/') === 0)
  );
}

/** Source maps and other systems' binaries: two thirds of the bytes. */
const left = /\.map$|\/dist\/test\/|napi-v\d+\/(darwin|win32)/;

function linkTree(from: string, to: string): void {
  for (const path of filesOf(from)) {
    if (left.test(path)) continue;
    const target = join(to, path.slice(from.length));
    mkdirSync(dirname(target), { recursive: true });
    linkOrCopy(path, target);
  }
}

/** A hard link where both are on one file system. */
function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    cpSync(from, to);
  }
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);

/** Shared libraries outside `app` that the dynamic linker finds for `files`. */
function librariesOf(files: readonly string[], app: string): string[] {
  const { stdout } = spawnSync('ldd', files, { encoding: 'utf8' });
  const found = [...stdout.matchAll(/^\t(?:.* => )?(\/\S+) \(/gm)];
  const paths = found.map(([, path = '']) => path);
  return [...new Set(paths)].filter((path) => !path.startsWith(app));
}
