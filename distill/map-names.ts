import type { MapKind, MapName, Needs } from './methods/method.js';

/** The names of the teacher's maps: `maps.2` is the third, `maps.0` the stem's. */

const kinds = ['maps', 'preactivations'] as const satisfies MapKind[];

export function isMapName(name: string): name is MapName {
  return kinds.some((kind) => name.startsWith(`${kind}.`));
}

export function partsOf(name: MapName): { kind: MapKind; index: number } {
  const [kind, index] = name.split('.') as [MapKind, string];
  return { kind, index: Number(index) };
}

/** The maps that are needed of a teacher that has `mapCount` of them. */
export function mapNamesOf({ maps }: Needs, mapCount: number): Set<MapName> {
  const all = Array.from({ length: mapCount }, (_, index) => index);
  const names = (maps ?? []).flatMap(({ kind, which }) => {
    const indices =
      which === 'all'
        ? all
        : which === 'stages'
          ? all.slice(1)
          : [which < 0 ? mapCount + which : which];
    return indices.map((index): MapName => `${kind}.${index}`);
  });
  return new Set(names);
}
