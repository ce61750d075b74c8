import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { applyPatch, patchSchema } from './json-patch.js';

/**
 * Renders the part of kustomize that deploy/k8s uses, so that its manifests
 * can be checked and played where no kubectl is. A field outside that part is
 * refused, never ignored. Where kubectl is present it is the oracle
 * (manifests.test.ts).
 */

/** A Kubernetes object as plain data. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; [key: string]: unknown };
  [key: string]: unknown;
}

const kustomizationSchema = z.strictObject({
  apiVersion: z.literal('kustomize.config.k8s.io/v1beta1'),
  kind: z.literal('Kustomization'),
  namespace: z.string().optional(),
  /** Manifests, or folders with a kustomization of their own. */
  resources: z.array(z.string()),
  images: z
    .array(
      z.strictObject({
        name: z.string(),
        newName: z.string().optional(),
        newTag: z.string().optional(),
      }),
    )
    .default([]),
  /** JSON patches (RFC 6902); kind and name are regular expressions. */
  patches: z
    .array(
      z.strictObject({
        path: z.string(),
        target: z.strictObject({
          kind: z.string(),
          name: z.string().optional(),
        }),
      }),
    )
    .default([]),
});

type Kustomization = z.output<typeof kustomizationSchema>;

/** The objects of `folder`/kustomization.yaml, in the order of its resources. */
export function renderKustomization(folder: string): Manifest[] {
  const text = readFileSync(join(folder, 'kustomization.yaml'), 'utf8');
  const kustomization = kustomizationSchema.parse(parse(text));
  const manifests = kustomization.resources.flatMap((path) =>
    path.endsWith('.yaml')
      ? readManifests(join(folder, path))
      : renderKustomization(join(folder, path)),
  );
  setNamespace(manifests, kustomization.namespace);
  setImages(manifests, kustomization.images);
  for (const { path, target } of kustomization.patches) {
    const patch = patchSchema.parse(
      parse(readFileSync(join(folder, path), 'utf8')),
    );
    const targets = manifests.filter((manifest) => isTarget(manifest, target));
    if (targets.length === 0)
      throw new Error(`${join(folder, path)}: no target`);
    for (const manifest of targets) applyPatch(manifest, patch);
  }
  return manifests;
}

export function readManifests(path: string): Manifest[] {
  return parseAllDocuments(readFileSync(path, 'utf8')).map(
    (document) => document.toJS() as Manifest,
  );
}

function setNamespace(manifests: Manifest[], namespace: string | undefined) {
  if (namespace === undefined) return;
  for (const { kind, metadata } of manifests) {
    if (kind !== 'Namespace') metadata.namespace = namespace;
  }
}

function setImages(manifests: Manifest[], images: Kustomization['images']) {
  for (const container of manifests.flatMap(containersOf)) {
    const [name] = container.image.split(':');
    const image = images.find((candidate) => candidate.name === name);
    if (image === undefined) continue;
    container.image = `${image.newName ?? name}:${image.newTag ?? 'latest'}`;
  }
}

function isTarget(
  { kind, metadata }: Manifest,
  target: Kustomization['patches'][number]['target'],
): boolean {
  const matches = (pattern: string, value: string) =>
    new RegExp(`^(?:${pattern})$`).test(value);
  return (
    matches(target.kind, kind) && matches(target.name ?? '.*', metadata.name)
  );
}

/** The containers of a manifest's pod template; none if it has no template. */
function containersOf(manifest: Manifest): { image: string }[] {
  const { spec } = manifest as {
    spec?: { template?: { spec: { containers: { image: string }[] } } };
  };
  return spec?.template?.spec.containers ?? [];
}
