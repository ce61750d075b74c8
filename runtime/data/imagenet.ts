import type { Normalization } from '#distill/data/dataset.js';
import { withFileDigest } from './file-digest.js';
import { indexBytes, indexOf } from './file-index.js';
import { listImageNet } from './imagenet-layout.js';
import { imagenetNormalization, type FileOptions } from './load.js';
import type { SharedDataset } from './shared.js';
import type { Sizing } from './decode-view.js';

/** What differs between the sets that have ImageNet's layout. */
const kinds = {
  imagenet: {
    side: 224,
    // torchvision: Resize(256) before CenterCrop(224).
    shorterSide: (side: number) => Math.round((side * 256) / 224),
    normalization: imagenetNormalization,
  },
  'tiny-imagenet': {
    side: 64,
    shorterSide: (side: number) => side,
    normalization: {
      mean: [0.4802, 0.4481, 0.3975],
      std: [0.277, 0.2691, 0.2821],
    },
  },
} satisfies Record<
  string,
  {
    readonly side: number;
    shorterSide(side: number): number;
    readonly normalization: Normalization;
  }
>;

/** How images become squares of `side` pixels, by the custom of the kind. */
export function sizingOf(
  kind: keyof typeof kinds,
  side: number = kinds[kind].side,
): Sizing {
  return { side, shorterSide: kinds[kind].shorterSide(side) };
}

/**
 * ImageNet or Tiny ImageNet as their archives unpack (`imagenet-layout.ts` has
 * the layouts), listed now and decoded on demand.
 * @throws ConfigInvalidError for another layout, CorruptFileError
 */
export async function loadImageNet(
  kind: keyof typeof kinds,
  options: FileOptions & { readonly resizeTo?: number },
): Promise<SharedDataset> {
  const { name, root, signal, reserve } = options;
  const sizing = sizingOf(kind, options.resizeTo);
  const { classNames, train, test } = await listImageNet(options);
  const indices = { train: indexOf(root, train), test: indexOf(root, test) };
  reserve(indexBytes(indices.train) + indexBytes(indices.test));
  const dataset = {
    name,
    imageShape: [sizing.side, sizing.side, 3] as const,
    classNames,
    normalization: kinds[kind].normalization,
    splits: {
      train: { index: indices.train, sizing },
      test: { index: indices.test, sizing },
    },
  };
  return withFileDigest(dataset, { signal });
}
