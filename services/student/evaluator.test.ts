import { describe, expect, it } from 'vitest';
import type { ImageShape } from '#distill/data/dataset.js';
import { rngFrom } from '#distill/data/rng.js';
import { createNetwork } from '#distill/models/index.js';
import { Classifier } from '#runtime/classifier.js';
import { createEngine } from '#runtime/compute/index.js';
import { allocateImages, openShared } from '#runtime/data/shared.js';
import { Evaluator } from './evaluator.js';

const imageShape: ImageShape = [8, 8, 3];
const classCount = 4;
const network = createNetwork('resnet8', classCount);
const state = network.init(rngFrom(1, 'student'));

/** Five test images of noise. */
function testImages() {
  const test = allocateImages(5, imageShape);
  const rng = rngFrom(2, 'images');
  test.pixels.set(test.pixels.map(() => rng.integer(256)));
  const dataset = openShared({
    name: 'noise',
    imageShape,
    classNames: ['a', 'b', 'c', 'd'],
    normalization: { mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] },
    digest: 'noise',
    splits: { train: allocateImages(0, imageShape), test },
  });
  return { dataset, labels: test.labels };
}

/** Logits whose largest is that of the class. [N, classCount] */
const logitsOf = (classes: readonly number[]) => ({
  shape: [classes.length, classCount],
  data: Float32Array.from(
    classes.flatMap((label) => [0, 1, 2, 3].map((k) => +(k === label))),
  ),
});

describe('an evaluation', () => {
  it('counts labels and, once it knows them all, the teacher too', async () => {
    const { dataset, labels } = testImages();
    const engine = await createEngine('cpu');
    const classifier = await Classifier.create(engine, network, dataset, state);
    const found = [...(await classifier.classes())];
    labels.set(found);
    labels[0] = (found[0]! + 1) % classCount;
    const evaluator = await Evaluator.create(engine, network, dataset, state);
    const classes = await evaluator.classify(state, { start: 0, end: 5 });
    expect([...classes]).toEqual(found);
    const some = await evaluator.classify(state, { start: 1, end: 3 });
    expect([...some]).toEqual(found.slice(1, 3));
    expect(evaluator.measure(classes)).toEqual({ testAccuracy: 0.8 });
    evaluator.teach(0, logitsOf(found.slice(0, 3)));
    expect(evaluator.measure(classes)).toEqual({ testAccuracy: 0.8 });
    const other = found.slice(3).map((k) => (k + 1) % classCount);
    evaluator.teach(3, logitsOf(other));
    expect(evaluator.measure(classes)).toEqual({
      testAccuracy: 0.8,
      agreementWithTeacher: 0.6,
    });
    await engine.dispose();
  }, 30_000);
});
