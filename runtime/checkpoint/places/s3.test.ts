import { afterAll, beforeAll, expect, it } from 'vitest';
import { type S3Server, startS3 } from '../../../test/s3.js';
import type { Content } from './place.js';
import { createS3Client, S3Place } from './s3.js';

let s3: S3Server;
beforeAll(async () => void (s3 = await startS3()));
afterAll(() => s3[Symbol.asyncDispose]());

const contentOf = (value: number): Content => ({
  ...{ name: 'model.safetensors', bytes: new Uint8Array([value]) },
  sha256: String(value).repeat(64),
});

it('two writers of one name leave a whole checkpoint of either', async () => {
  const place = new S3Place('bucket', 'two');
  const write = (value: number) =>
    place.write('step-1', [contentOf(value)], String(value));
  await Promise.all([write(1), write(2)]);
  const manifest = await place.readManifest('step-1', 1);
  const value = Number(Buffer.from(manifest).toString());
  expect([1, 2]).toContain(value);
  const read = await place.readContent('step-1', contentOf(value), 1);
  expect([...read]).toEqual([value]);
});

it('what was cut off before its manifest is no checkpoint', async () => {
  const place = new S3Place('bucket', 'cut');
  const late = { ...contentOf(2), bytes: 'no bytes' as unknown as Uint8Array };
  Object.defineProperty(late, 'sha256', {
    get() {
      throw new Error('cut off');
    },
  });
  const writing = place.write('step-1', [contentOf(1), late], '{}');
  await expect(writing).rejects.toThrow('cut off');
  expect(await place.list()).toEqual([]);
});

it('says what the store says', async () => {
  const nowhere = new S3Place('no-bucket', 'x');
  await expect(nowhere.list()).rejects.toMatchObject({
    reason: 'CHECKPOINT_STORAGE',
    message: expect.stringMatching(
      /^s3:\/\/no-bucket\/x\/ .*NoSuchBucket/,
    ) as string,
  });
  process.env['AWS_ACCESS_KEY_ID'] = 'NOBODY';
  const stranger = new S3Place('bucket', 'x', createS3Client());
  await expect(stranger.write('a', [], '{}')).rejects.toMatchObject({
    reason: 'CHECKPOINT_STORAGE',
    message: expect.stringContaining('InvalidAccessKeyId') as string,
  });
  process.env['AWS_ENDPOINT_URL_S3'] = 'http://127.0.0.1:9';
  const gone = new S3Place('bucket', 'x', createS3Client());
  await expect(gone.list()).rejects.toMatchObject({
    reason: 'CHECKPOINT_STORAGE',
    message: expect.stringContaining('ECONNREFUSED') as string,
  });
});
