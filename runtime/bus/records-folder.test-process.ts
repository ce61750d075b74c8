import { openBus } from './index.js';

/** Writes one record again and again, and tells how far it is. */
const recordsDir = process.argv[2]!;
const bus = await openBus({ kind: 'in-process', recordsDir });
const records = await bus.records('runs');
const found = await records.get('a');
let n = (found?.value['n'] as number | undefined) ?? 0;
let revision = found?.revision ?? (await records.create('a', valueOf(n)));
for (;;) {
  n += 1;
  revision = await records.update('a', valueOf(n), revision);
  process.send?.(n);
}

function valueOf(n: number) {
  return { n, text: String(n % 10).repeat(10_000) };
}
