// Original file: proto/rrd/v1/sample.proto

export const Augmentation = {
  AUGMENTATION_UNSPECIFIED: 'AUGMENTATION_UNSPECIFIED',
  AUGMENTATION_NONE: 'AUGMENTATION_NONE',
  AUGMENTATION_CROP_FLIP: 'AUGMENTATION_CROP_FLIP',
  AUGMENTATION_RANDOM_RESIZED_CROP: 'AUGMENTATION_RANDOM_RESIZED_CROP',
} as const;

export type Augmentation =
  | 'AUGMENTATION_UNSPECIFIED'
  | 0
  | 'AUGMENTATION_NONE'
  | 1
  | 'AUGMENTATION_CROP_FLIP'
  | 2
  | 'AUGMENTATION_RANDOM_RESIZED_CROP'
  | 3

export type Augmentation__Output = typeof Augmentation[keyof typeof Augmentation]
