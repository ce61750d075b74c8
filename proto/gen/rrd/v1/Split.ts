// Original file: proto/rrd/v1/sample.proto

export const Split = {
  SPLIT_UNSPECIFIED: 'SPLIT_UNSPECIFIED',
  SPLIT_TRAIN: 'SPLIT_TRAIN',
  SPLIT_TEST: 'SPLIT_TEST',
} as const;

export type Split =
  | 'SPLIT_UNSPECIFIED'
  | 0
  | 'SPLIT_TRAIN'
  | 1
  | 'SPLIT_TEST'
  | 2

export type Split__Output = typeof Split[keyof typeof Split]
