import { z } from 'zod';

/** The operations of RFC 6902 that the overlays use. */
export const patchSchema = z.array(
  z.discriminatedUnion('op', [
    z.strictObject({ op: z.literal('add'), path: z.string(), value: z.json() }),
    z.strictObject({
      op: z.literal('replace'),
      path: z.string(),
      value: z.json(),
    }),
    z.strictObject({ op: z.literal('remove'), path: z.string() }),
  ]),
);

export type Patch = z.output<typeof patchSchema>;

/** Changes `document` in place. Throws if a path to replace or remove is not there. */
export function applyPatch(document: object, patch: Patch): void {
  for (const operation of patch) {
    const keys = operation.path.split('/').slice(1).map(unescape);
    const last = keys.pop() ?? '';
    const parent = keys.reduce(child, document as Record<string, unknown>);
    if (operation.op !== 'add' && !(last in parent)) {
      throw new Error(`${operation.path} is not there`);
    }
    // A value goes to several targets, which must not share it.
    if (operation.op === 'remove') delete parent[last];
    else parent[last] = structuredClone(operation.value);
  }
}

/** RFC 6901: `~1` is a slash and `~0` a tilde. */
function unescape(key: string): string {
  return key.replaceAll('~1', '/').replaceAll('~0', '~');
}

function child(
  parent: Record<string, unknown>,
  key: string,
): Record<string, unknown> {
  const value = parent[key];
  if (typeof value !== 'object' || value === null) {
    throw new Error(`${key} is not there`);
  }
  return value as Record<string, unknown>;
}
