import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { createProceduralDataset } from '#distill/data/procedural.js';
import { rngFrom } from '#distill/data/rng.js';
import { decodeView } from '#runtime/data/decode-view.js';
import { packageRoot } from '#runtime/paths.js';

/** The evaluation view of ImageNet against PyTorch's own scaling. */
const python = '/usr/bin/python3';
const hasTorch = spawnSync(python, ['-c', 'import torch, numpy']).status === 0;
if (!hasTorch) {
  console.warn(
    'SKIPPED: scaling as PyTorch scales, since the Debian package ' +
      'python3-torch is not installed',
  );
}

const sizing = { side: 224, shorterSide: 256 };

/** A picture with edges, blown up, with grain: uint8 [height, width, 3]. */
async function photo(width: number, height: number): Promise<Uint8Array> {
  const options = { seed: 0, trainSize: 1, testSize: 0 };
  const small = createProceduralDataset(options).split('train');
  const raw = { width: 32, height: 32, channels: 3 } as const;
  const large = await sharp(await small.images([0]), { raw })
    .resize(width, height, { fit: 'fill', kernel: 'nearest' })
    .raw()
    .toBuffer();
  const rng = rngFrom(0, 'grain');
  return large.map((v) => Math.max(0, Math.min(255, v + 20 * rng.normal())));
}

function byTorch(pixels: Uint8Array, numbers: readonly number[]): Buffer {
  const script = join(packageRoot, 'test/oracle/evaluation_view.py');
  const { status, stdout, stderr } = spawnSync(
    python,
    [script, ...numbers.map(String)],
    { input: pixels, timeout: 60_000 },
  );
  expect(status, stderr.toString()).toBe(0);
  return stdout;
}

describe('the evaluation view', () => {
  it.skipIf(!hasTorch).each([
    // width, height, scaled height and width, top and left of the crop
    [500, 375, [256, 341, 16, 58]],
    [301, 640, [544, 256, 160, 16]],
  ])(
    'of %i x %i, scaled down, is that of PyTorch to 1 of 255',
    async (width, height, places) => {
      const pixels = await photo(width, height);
      const raw = { width, height, channels: 3 } as const;
      const png = await sharp(pixels, { raw }).png().toBuffer();
      const ours = await decodeView(png, 'photo', sizing);
      expect(await decodeView(png, 'photo', sizing)).toEqual(ours);
      const theirs = byTorch(pixels, [height, width, ...places, sizing.side]);
      expect(theirs.length).toBe(ours.length);
      let [most, sum] = [0, 0];
      ours.forEach((value, i) => {
        const apart = Math.abs(value - theirs[i]!);
        most = Math.max(most, apart);
        sum += apart;
      });
      expect(most).toBeLessThanOrEqual(1);
      expect(sum / ours.length).toBeLessThan(0.3);
    },
    120_000,
  );
});
