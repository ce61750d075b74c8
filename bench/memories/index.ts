import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureBank } from './bank.js';
import { measureStep } from './step.js';

/** Samples of CIFAR's and of ImageNet's train split. */
const sizes = { cifar: 50_000, imagenet: 1_281_167 };

/**
 * `npm run bench -- memories`: CRD's memories of all samples at the size of
 * ImageNet, in the bank and in the student's step, beside those of CIFAR.
 */
export async function benchMemories(): Promise<object> {
  const folder = await mkdtemp(join(tmpdir(), 'rrd-bench-memories-'));
  try {
    const bank: Record<string, object> = {};
    const step: Record<string, object> = {};
    for (const [name, samples] of Object.entries(sizes)) {
      bank[name] = await measureBank(join(folder, name), samples);
      console.log(`bank, two memories of ${samples} x 128:`, bank[name]);
      step[name] = await measureStep(samples);
      console.log(`step of resnet8x4, ${samples} samples:`, step[name]);
    }
    return { sizes, bank, step, loadAverage: loadavg()[0] };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
