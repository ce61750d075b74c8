import { expect, it } from 'vitest';
import { mergedViews, viewName, viewsOf } from './views.js';

it('merges the views of terms by their kind', () => {
  const merged = mergedViews([
    { kind: 'mixup', count: 1, teacher: new Set(['logits']) },
    { kind: 'cutmix', count: 2, teacher: new Set(['logits']) },
    { kind: 'mixup', count: 3, teacher: new Set(['features']) },
  ]);
  expect(merged).toEqual([
    { kind: 'cutmix', count: 2, teacher: new Set(['logits']) },
    { kind: 'mixup', count: 3, teacher: new Set(['features', 'logits']) },
  ]);
  const names = merged.flatMap(viewsOf).map(viewName);
  expect(names).toEqual(['cutmix1', 'cutmix2', 'mixup1', 'mixup2', 'mixup3']);
});
