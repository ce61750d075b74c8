/** A data set's official archive, as its authors publish it. */
export interface Archive {
  readonly url: string;
  /** Size of the archive. */
  readonly bytes: number;
  /** What the authors (or torchvision, for those who give none) state. */
  readonly md5: string;
  readonly format: 'tar.gz' | 'zip';
  /** The folder inside the archive that the data set is read from. */
  readonly folder: string;
  /** No honest copy unpacks to more. */
  readonly maxUnpackedBytes: number;
}

const GiB = 2 ** 30;

/** By the kind that `openDatasets` reads them with. */
export const archives = {
  cifar10: {
    url: 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
    bytes: 170_052_171,
    md5: 'c32a1d4ab5d03f1284b67883e8d87530',
    format: 'tar.gz',
    folder: 'cifar-10-batches-bin',
    maxUnpackedBytes: GiB,
  },
  cifar100: {
    url: 'https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz',
    bytes: 168_513_733,
    md5: '03b5dce01913d631647c71ecec9e9cb8',
    format: 'tar.gz',
    folder: 'cifar-100-binary',
    maxUnpackedBytes: GiB,
  },
  stl10: {
    url: 'http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz',
    bytes: 2_640_397_119,
    md5: '91f7769df0f17e558f3565bffb0c7dfb',
    format: 'tar.gz',
    folder: 'stl10_binary',
    maxUnpackedBytes: 4 * GiB,
  },
  'tiny-imagenet': {
    url: 'http://cs231n.stanford.edu/tiny-imagenet-200.zip',
    bytes: 248_100_043,
    md5: '90528d7ca1a48142e341f4ef8d21d0de',
    format: 'zip',
    folder: 'tiny-imagenet-200',
    maxUnpackedBytes: GiB,
  },
} satisfies Record<string, Archive>;

export type ArchiveName = keyof typeof archives;
