import * as tf from '@tensorflow/tfjs-core';
import type { MapNeed, MapShape, Needs } from './method.js';

/** Maps of the student and the teacher that a method cannot compare. */
export class MapMismatchError extends RangeError {
  override readonly name = 'MapMismatchError';
}

/** What a method needs that compares those of the teacher's maps. */
export const needsMaps = (which: MapNeed['which']): Needs => ({
  teacher: new Set(),
  maps: [{ kind: 'maps', which }],
});

/** The maps of the stages: all but the stem's. */
export function ofStages<T>(maps: readonly T[] | undefined): readonly T[] {
  return maps!.slice(1);
}

/** Pairs up to the end of the shorter list. */
export function pairs<A, B>(a: readonly A[], b: readonly B[]): [A, B][] {
  const count = Math.min(a.length, b.length);
  return a.slice(0, count).map((item, i) => [item, b[i]!]);
}

export function sumOf(losses: readonly tf.Scalar[]): tf.Scalar {
  return tf.addN([...losses]);
}

/**
 * The shape of a map of either side, for a head that has to fit it.
 * @throws MapMismatchError if there is none
 */
export function shapeAt(maps: readonly MapShape[], index: number): MapShape {
  const shape = maps.at(index);
  if (!shape) throw new MapMismatchError(`no map ${index} of ${maps.length}`);
  return shape;
}

/** @throws MapMismatchError unless both sides' maps agree in what `of` tells of them */
export function requireAlike(
  method: string,
  [student, teacher]: readonly [readonly MapShape[], readonly MapShape[]],
  of: (shape: MapShape) => readonly number[],
): void {
  for (const [own, target] of pairs(student, teacher)) {
    const [a, b] = [of(own), of(target)].map((part) => part.join(' x '));
    if (a === b) continue;
    throw new MapMismatchError(`${method}: maps of ${a} against ${b}`);
  }
}
