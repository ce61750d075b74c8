import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { engineProviders } from '#runtime/compute/index.js';
import { startFixture, type Fixture } from './service.test-fixture.js';

let fixture: Fixture;

beforeAll(async () => {
  fixture = await startFixture({ maxModels: 1 });
});

afterAll(() => fixture.close());

const logits = (model: string) =>
  fixture.extract({
    model,
    refs: fixture.refs([0, 1]),
    outputs: ['TEACHER_OUTPUT_LOGITS'],
  });

describe('the models of a teacher', () => {
  it('make way for each other and come back the same', async () => {
    const before = await logits('small');
    const twin = await logits('twin');
    expect(twin).toEqual(before);
    expect(await logits('small')).toEqual(before);
  });

  it('stay when a name is asked for that nothing is behind', async () => {
    await logits('small');
    const loaded = fixture.loads();
    for (const name of ['nobody', 'nobody-2', '../small']) {
      await expect(logits(name)).rejects.toMatchObject({
        reason: 'MODEL_NOT_FOUND',
      });
    }
    await logits('small');
    expect(fixture.loads()).toBe(loaded);
  });

  it('are loaded before the service listens, or it does not start', async () => {
    const ready = await startFixture({ preload: ['small', 'twin'] });
    expect(ready.loads()).toBe(2);
    await ready.close();
    const start = startFixture({ preload: ['small', 'nobody'] });
    const missing = { reason: 'MODEL_NOT_FOUND' };
    await expect(start).rejects.toMatchObject(missing);
    const tooMany = { preload: ['small', 'twin'], maxModels: 1 };
    await expect(startFixture(tooMany)).rejects.toThrow('preload');
  });

  it('have a digest of weights and normalization, not of the name', async () => {
    const digestOf = async (model: string) =>
      (await fixture.client.describe({ model })).teacherDigest;
    const digest = await digestOf('small');
    expect(await digestOf('twin')).toBe(digest);
    expect(await digestOf('brighter')).not.toBe(digest);
    expect(await digestOf('other-weights')).not.toBe(digest);
  });

  it('are loaded once for many callers', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => logits('twin')),
    );
    expect(
      new Set(answers.map(({ logits }) => logits?.data.toString('hex'))).size,
    ).toBe(1);
  });

  it('are not taken along by a predecessor that is still closing', async () => {
    await logits('small');
    const loaded = fixture.loads();
    const unloading = fixture.client.unloadModel({ model: 'small' });
    await vi.waitFor(async () => {
      const { models } = await fixture.client.listModels({});
      expect(models.some((each) => each.loaded)).toBe(false);
    });
    await Promise.all([logits('small'), unloading]);
    await logits('small');
    expect(fixture.loads()).toBe(loaded + 1);
  });

  it('are listed, loaded ahead and given back', async () => {
    const { client } = fixture;
    const loaded = async () => {
      const { models } = await client.listModels({});
      return models.filter((each) => each.loaded).map(({ model }) => model);
    };
    const { status } = await client.loadModel({ model: 'small' });
    expect(await loaded()).toEqual(['small']);
    const described = await client.describe({ model: 'small' });
    expect(status).toMatchObject({
      ...{ model: 'small', loaded: true, network: described.network },
      teacherDigest: described.teacherDigest,
    });
    const { models } = await client.listModels({});
    expect(models.map(({ model }) => model)).toEqual(
      expect.arrayContaining(['brighter', 'small', 'truncated', 'twin']),
    );
    const before = fixture.loads();
    await client.loadModel({ model: 'small' });
    expect(fixture.loads()).toBe(before); // it was there
    const unload = () => client.unloadModel({ model: 'small' });
    expect(await unload()).toEqual({ unloaded: true });
    expect(await unload()).toEqual({ unloaded: false });
    expect(await loaded()).toEqual([]);
    await logits('small'); // comes back by itself
    expect(fixture.loads()).toBe(before + 1);
  });

  it('cannot be loaded or given back where there are none', async () => {
    const { client } = fixture;
    const notFound = { reason: 'MODEL_NOT_FOUND' };
    for (const model of ['nobody', '../small', '']) {
      await expect(client.loadModel({ model })).rejects.toMatchObject(notFound);
      await expect(client.unloadModel({ model })).rejects.toMatchObject(
        notFound,
      );
    }
    await expect(
      client.loadModel({ model: 'truncated' }),
    ).rejects.toMatchObject({ reason: 'CORRUPT_FILE' });
  });

  it('need the engine that was asked for, which is checked at the start', async () => {
    for (const provider of engineProviders) {
      const { name } = provider;
      const problem = await provider.missing();
      const starting = startFixture({ engine: name }).then((f) => f.close());
      if (!problem) await starting;
      else {
        await expect(starting).rejects.toMatchObject({
          reason: 'ENGINE_UNAVAILABLE',
          metadata: { engine: name, problem },
        });
      }
    }
  });
});
