import { describe, expect, it } from 'vitest';
import {
  applyView,
  identityView,
  padding,
  viewOf,
  type View,
} from './augment.js';
import type { ImageShape } from './dataset.js';

const shape: ImageShape = [2, 3, 1];
const pixels = Uint8Array.of(1, 2, 3, 4, 5, 6);

function seen(view: View): number[] {
  const out = new Uint8Array(pixels.length).fill(99);
  applyView(pixels, shape, view, out);
  return [...out];
}

describe('viewOf', () => {
  it('is a pure function of seed, epoch and index', () => {
    expect(viewOf(3, 1, 5)).toEqual(viewOf(3, 1, 5));
    const views = [
      viewOf(3, 1, 5),
      viewOf(4, 1, 5),
      viewOf(3, 2, 5),
      viewOf(3, 1, 6),
    ];
    expect(new Set(views.map((view) => JSON.stringify(view))).size).toBe(4);
  });

  it('reaches all 162 views', () => {
    const views = Array.from({ length: 4000 }, (_, i) => viewOf(0, 1, i));
    expect(new Set(views.map((view) => JSON.stringify(view))).size).toBe(162);
  });
});

describe('applyView', () => {
  it('leaves the image as it is under the identity view', () => {
    expect(seen(identityView)).toEqual([...pixels]);
  });

  it('shifts with zeros coming in', () => {
    const view = { top: padding + 1, left: padding - 1, flip: false };
    expect(seen(view)).toEqual([0, 4, 5, 0, 0, 0]);
  });

  it('mirrors what the crop shows, as cropping first and flipping then', () => {
    expect(seen({ ...identityView, flip: true })).toEqual([3, 2, 1, 6, 5, 4]);
    const view = { top: padding, left: padding + 1, flip: true };
    expect(seen(view)).toEqual([0, 3, 2, 0, 6, 5]);
  });

  it('moves all channels together', () => {
    const out = new Uint8Array(4);
    applyView(
      Uint8Array.of(1, 2, 3, 4),
      [1, 2, 2],
      { ...identityView, flip: true },
      out,
    );
    expect([...out]).toEqual([3, 4, 1, 2]);
  });
});
