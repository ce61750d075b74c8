import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type S3Server, startS3 } from '../../../test/s3.js';
import { ConfigInvalidError, CorruptFileError } from '../../errors.js';
import { checkpointAt, locationIn, placeAt } from './location.js';
import type { Content } from './place.js';

let folder: string;
let s3: S3Server;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rrd-places-'));
  s3 = await startS3();
});

afterAll(async () => {
  await s3[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const content = (name: string, bytes: Uint8Array): Content => {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { name, bytes, sha256 };
};
const model = content('model.safetensors', new Uint8Array([1, 2, 3]));
const training = content('training.safetensors', new Uint8Array([4, 5]));
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

const bases = { folder: () => folder, S3: () => s3.location };

describe.each(Object.entries(bases))('a place in %s', (_, base) => {
  const placeFor = (test: string) => placeAt(locationIn(base(), test, 'run'));

  it('is empty at first', async () => {
    const place = await placeFor('empty');
    expect(await place.list()).toEqual([]);
    await place.remove('step-1');
  });

  it('gives back what was written', async () => {
    const place = await placeFor('written');
    await place.write('step-1', [model, training], '{"a":1}');
    await place.write('step-2', [], '{}');
    expect((await place.list()).sort()).toEqual(['step-1', 'step-2']);
    expect(text(await place.readManifest('step-1', 100))).toBe('{"a":1}');
    for (const each of [model, training]) {
      const read = await place.readContent('step-1', each, each.bytes.length);
      expect(Buffer.from(read)).toEqual(Buffer.from(each.bytes));
    }
  });

  it('replaces what has the same name', async () => {
    const place = await placeFor('replaced');
    const other = content(model.name, new Uint8Array([9]));
    await place.write('step-1', [model], '{"a":1}');
    await place.write('step-1', [other], '{"a":2}');
    expect(text(await place.readManifest('step-1', 100))).toBe('{"a":2}');
    const read = await place.readContent('step-1', other, 1);
    expect([...read]).toEqual([9]);
    expect(await place.list()).toEqual(['step-1']);
  });

  it('removes one, and not its neighbours', async () => {
    const place = await placeFor('removed');
    for (const name of ['step-1', 'step-10', 'step-2'])
      await place.write(name, [model], '{}');
    await place.remove('step-1');
    expect((await place.list()).sort()).toEqual(['step-10', 'step-2']);
    const gone = place.readContent('step-1', model, 3);
    await expect(gone).rejects.toBeInstanceOf(CorruptFileError);
    expect((await place.readContent('step-10', model, 3)).length).toBe(3);
  });

  it('refuses what is not there, and what is longer', async () => {
    const place = await placeFor('refused');
    const refusal = { reason: 'CORRUPT_FILE' };
    await expect(place.readManifest('none', 9)).rejects.toMatchObject(refusal);
    await place.write('step-1', [model], '{"a":1}');
    for (const read of [
      () => place.readManifest('step-1', 6),
      () => place.readContent('step-1', model, 2),
      () => place.readContent('step-1', training, 2),
    ])
      await expect(read()).rejects.toMatchObject(refusal);
  });

  it('takes more than goes in one request', async () => {
    const place = await placeFor('large');
    const bytes = Buffer.alloc(35 * 2 ** 20, 'rrd');
    const large = content(model.name, bytes);
    await place.write('step-1', [large], '{}');
    const read = await place.readContent('step-1', large, bytes.length);
    expect(content('', read).sha256).toBe(large.sha256);
  }, 60_000);
});

describe('locations', () => {
  it('lead to a place and a name', async () => {
    for (const base of [folder, s3.location, `${s3.location}/some/where`]) {
      const [place, name] = await checkpointAt(`${base}/named/`);
      await place.write(name, [model], '{}');
      expect(name).toBe('named');
      expect(await (await placeAt(base)).list()).toContain('named');
    }
  });

  it.each(['s3://', 's3:///x', 's3://bucket', 's3://bucket/'])(
    'refuse %s',
    async (location) => {
      const error = await checkpointAt(location).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(ConfigInvalidError);
      expect(String(error)).toContain(location);
    },
  );
});
