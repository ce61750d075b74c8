import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '#runtime/paths.js';

/**
 * Who may import whom, read off the import lines of the sources. The table is
 * section 3 of the design: maths knows nothing of the world around it, plumbing
 * knows no maths, and services meet only through the contract and the bus.
 */

interface Import {
  readonly file: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

const topLevel = ['distill', 'runtime', 'services', 'cli', 'test', 'bench'];

function sources(folder: string): string[] {
  return readdirSync(join(packageRoot, folder), { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file));
}

/** A path from the root for our own modules, the package's name for others. */
function targetOf(file: string, specifier: string): string {
  if (specifier.startsWith('#')) return specifier.slice(1);
  if (specifier.startsWith('.')) {
    const path = resolve(packageRoot, dirname(file), specifier);
    return relative(packageRoot, path);
  }
  return specifier;
}

const importLine =
  /^(?:import|export)\s+(type\s)?[^;]*?from\s+'([^']+)'|^import\s+'([^']+)'|import\('([^']+)'\)/gm;

function importsOf(file: string): Import[] {
  const text = readFileSync(join(packageRoot, file), 'utf8');
  return [...text.matchAll(importLine)].map((match) => ({
    file,
    target: targetOf(file, match[2] ?? match[3] ?? match[4] ?? ''),
    typeOnly: match[1] !== undefined,
  }));
}

const imports = topLevel.flatMap(sources).flatMap(importsOf);
/** Tests and what only tests use may import anything. */
const isTest = (file: string) =>
  /\.test(-[a-z]+)?\.ts$|^distill\/testing\//.test(file);
const service = (path: string) => /^services\/([^/]+)\//.exec(path)?.[1];

function offenders(
  where: RegExp,
  forbidden: (target: string, entry: Import) => boolean,
): string[] {
  return imports
    .filter(({ file }) => where.test(file) && !isTest(file))
    .filter((entry) => forbidden(entry.target, entry))
    .map(({ file, target }) => `${file} -> ${target}`);
}

describe('who may import whom', () => {
  it('finds the imports it judges', () => {
    expect(imports.length).toBeGreaterThan(100);
  });

  it('distill/ imports itself, TensorFlow.js core and zod only', () => {
    const allowed = /^(distill\/|@tensorflow\/tfjs-core$|zod$)/;
    expect(offenders(/^distill\//, (target) => !allowed.test(target))).toEqual(
      [],
    );
  });

  it('runtime/ uses of the maths only data, programs and types', () => {
    const maths = /^distill\/(losses|methods|models|train-step|queue)/;
    expect(
      offenders(
        /^runtime\//,
        (to, { typeOnly }) => maths.test(to) && !typeOnly,
      ),
    ).toEqual([]);
  });

  it('runtime/ and distill/ import no service, cli or test', () => {
    expect(
      offenders(/^(runtime|distill)\//, (to) =>
        /^(services|cli|test|bench)\//.test(to),
      ),
    ).toEqual([]);
  });

  it('services meet through the contract and the bus, not through imports', () => {
    expect(
      offenders(
        /^services\//,
        (to, { file }) =>
          service(to) !== undefined && service(to) !== service(file),
      ),
    ).toEqual([]);
  });

  it('outsiders enter a service by its service.ts or config.ts', () => {
    // `rrd serve` is how a main is started.
    expect(
      offenders(
        /^(cli|test|bench)\//,
        (to, { file }) =>
          service(to) !== undefined &&
          !/\/(service|config)\.js$/.test(to) &&
          file !== 'cli/commands/serve.ts',
      ),
    ).toEqual([]);
  });

  it('the pure cores of services know errors but no wire, bus or disk', () => {
    const pure = /^services\/[^/]+\/(bank|batcher|fair-queue|run-state)\.ts$/;
    expect(
      offenders(
        pure,
        (to) =>
          /^(proto|runtime\/(?!(domain-)?errors?\.js$))/.test(to) ||
          to.startsWith('node:fs'),
      ),
    ).toEqual([]);
  });

  it('proto types stop at routes, clients, mirrors and ends of streams', () => {
    const edge =
      /^services\/[^/]+\/(routes\/|service\.ts|[a-z-]*(client|mirror|reader)\.ts|wire\.ts|group\/(links|member|seat)\.ts)/;
    expect(
      offenders(
        /^services\//,
        (to, { file }) => to.startsWith('proto/') && !edge.test(file),
      ),
    ).toEqual([]);
  });

  it('only mains, the env module and telemetry read process.env', () => {
    const readers = topLevel
      .flatMap(sources)
      .filter((file) => /^(distill|runtime|services|cli)\//.test(file))
      .filter((file) => !/(main|env|telemetry)(\.test)?\.ts$/.test(file))
      .filter((file) => !isTest(file))
      .filter((file) =>
        readFileSync(join(packageRoot, file), 'utf8').includes('process.env'),
      );
    expect(readers).toEqual([]);
  });
});

const globs = { '**/': '(.*/)?', '*': '[^/]*', '.': '\\.' };

/** The paths that a line of .dockerignore leaves out, with what is below them. */
function leftOutBy(line: string): RegExp {
  const path = line.replaceAll(
    /\*\*\/|[*.]/g,
    (part) => globs[part as keyof typeof globs],
  );
  return new RegExp(`^${path}(/|$)`);
}

describe('the image', () => {
  const lines = readFileSync(join(packageRoot, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const patterns = lines.map(leftOutBy);
  const isLeftOut = (path: string) =>
    patterns.some((pattern) => pattern.test(path));

  it('has the services and no test', () => {
    expect(isLeftOut('services/student/service.ts')).toBe(false);
    expect(isLeftOut('services/student/lacks.test.ts')).toBe(true);
  });

  // Its build would end with a module that is not found.
  it('is compiled from files that import none that are left out', () => {
    const broken = imports
      .filter(({ file, target }) => !isLeftOut(file) && isLeftOut(target))
      .map(({ file, target }) => `${file} -> ${target}`);
    expect(broken).toEqual([]);
  });
});

describe('size', () => {
  it('no source file is longer than 400 lines', () => {
    const long = topLevel
      .flatMap(sources)
      .map((file) => ({
        file,
        lines: readFileSync(join(packageRoot, file), 'utf8').split('\n').length,
      }))
      .filter(({ lines }) => lines > 401);
    expect(long).toEqual([]);
  });
});
