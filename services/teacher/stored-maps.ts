import { isMapName } from '#distill/map-names.js';
import type { MapName } from '#distill/methods/method.js';
import {
  encodeRows,
  firstOverflow,
  type Precision,
  type StoredRows,
} from '#distill/precision.js';
import type { Extracted } from './extractor.js';
import type { Job } from './job.js';

/** Maps of a job, [N, h, w, c] each, in the job's precision. */
export type StoredMaps = Readonly<Partial<Record<MapName, StoredMap>>>;

interface StoredMap {
  readonly shape: readonly number[];
  readonly data: StoredRows;
}

/** A finite value of a map that would be infinite in the job's precision. */
export interface MapOverflow {
  readonly map: MapName;
  readonly value: number;
}

/** The maps that a job asks for, or the value that keeps them from it. */
export function storedMapsOf(
  { outputs, mapPrecision = 'float32' }: Job,
  extracted: Extracted,
): StoredMaps | { readonly overflow: MapOverflow } {
  const names = [...outputs].filter(isMapName);
  const maps: Partial<Record<MapName, StoredMap>> = {};
  for (const map of names) {
    const { shape, data: values } = extracted[map]!;
    const { data, overflow } = stored(values as Float32Array, mapPrecision);
    if (overflow !== undefined) return { overflow: { map, value: overflow } };
    maps[map] = { shape, data };
  }
  return maps;
}

function stored(values: Float32Array, precision: Precision) {
  const data = encodeRows(values, precision);
  const at = firstOverflow(values, data, precision);
  return { data, overflow: at === -1 ? undefined : values[at]! };
}
