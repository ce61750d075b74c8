import { expect, it } from 'vitest';
import { closeAll, type Closer } from './closers.js';

it('closes all, the newest first, whichever of them fails', async () => {
  const closed: unknown[] = [];
  const failures: unknown[] = [];
  const closer =
    (name: string): Closer =>
    async (isOver) => {
      closed.push([name, isOver]);
      if (name !== 'thread') throw new Error(name);
    };
  const closers = ['thread', 'bank', 'folder'].map(closer);
  await closeAll(closers, true, (error) => failures.push(error));
  expect(closed).toEqual([
    ['folder', true],
    ['bank', true],
    ['thread', true],
  ]);
  expect(failures).toEqual([new Error('folder'), new Error('bank')]);
});
