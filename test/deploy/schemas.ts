import { createRequire } from 'node:module';
import { join } from 'node:path';
import ts from 'typescript';
import { packageRoot } from '#runtime/paths.js';
import type { Manifest } from './kustomize.js';

/**
 * Two checks against the published schemas of Kubernetes, both offline:
 * `schemaProblems` validates values (types, required fields); it lets unknown
 * fields pass, as the API server would drop them. `unknownFields` finds those:
 * the manifests become object literals of the published types, and TypeScript
 * refuses a literal with a property that its type does not have.
 */

interface Model {
  validate(): void;
}
type ModelClass = new (manifest: Manifest) => Model;

const require = createRequire(import.meta.url);

/** `apps/v1` for a built-in group, `v1` for the core. */
function modulePath({ apiVersion, kind }: Manifest): string {
  return `kubernetes-models/${apiVersion}/${kind}`;
}

export function nameOf({ kind, metadata }: Manifest): string {
  return `${kind}/${metadata.name}`;
}

/** What the schema of its kind finds wrong with `manifest`; empty if nothing. */
export function schemaProblems(manifest: Manifest): string[] {
  const classes = require(modulePath(manifest)) as Record<string, ModelClass>;
  const Kind = classes[manifest.kind];
  if (Kind === undefined) return [`${nameOf(manifest)}: unknown kind`];
  try {
    new Kind(manifest).validate();
    return [];
  } catch (error) {
    return [`${nameOf(manifest)}: ${String(error)}`];
  }
}

/** Fields of the manifests that Kubernetes does not know, one line for each. */
export function unknownFields(manifests: readonly Manifest[]): string[] {
  const source = manifests.map(asTypedLiteral).join('\n');
  const path = join(packageRoot, 'manifests.virtual.ts');
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
  };
  const program = ts.createProgram(
    [path],
    options,
    withFile(options, path, source),
  );
  const file = program.getSourceFile(path);
  return ts
    .getPreEmitDiagnostics(program, file)
    .map(({ messageText }) =>
      ts.flattenDiagnosticMessageText(messageText, ' '),
    );
}

function asTypedLiteral(manifest: Manifest, index: number): string {
  return (
    `import type { I${manifest.kind} as Kind${index} } ` +
    `from '${modulePath(manifest)}';\n` +
    `export const m${index}: Kind${index} = ${JSON.stringify(manifest, null, 1)};`
  );
}

/** A compiler host that also has `source` at `path`. */
function withFile(
  options: ts.CompilerOptions,
  path: string,
  source: string,
): ts.CompilerHost {
  const host = ts.createCompilerHost(options);
  return {
    ...host,
    fileExists: (name) => name === path || host.fileExists(name),
    readFile: (name) => (name === path ? source : host.readFile(name)),
    getSourceFile: (name, ...rest) =>
      name === path
        ? ts.createSourceFile(name, source, ts.ScriptTarget.ES2023)
        : host.getSourceFile(name, ...rest),
  };
}
