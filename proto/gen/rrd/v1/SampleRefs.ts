// Original file: proto/rrd/v1/sample.proto

import type { Split as _rrd_v1_Split, Split__Output as _rrd_v1_Split__Output } from '../../rrd/v1/Split.js';
import type { Augmentation as _rrd_v1_Augmentation, Augmentation__Output as _rrd_v1_Augmentation__Output } from '../../rrd/v1/Augmentation.js';
import type { Long } from '@grpc/proto-loader';

export interface SampleRefs {
  'dataset'?: (string);
  'datasetDigest'?: (string);
  'split'?: (_rrd_v1_Split);
  'indices'?: (number)[];
  'augmentation'?: (_rrd_v1_Augmentation);
  'augmentationSeed'?: (number | string | Long);
  'epoch'?: (number);
}

export interface SampleRefs__Output {
  'dataset': (string);
  'datasetDigest': (string);
  'split': (_rrd_v1_Split__Output);
  'indices': (number)[];
  'augmentation': (_rrd_v1_Augmentation__Output);
  'augmentationSeed': (number);
  'epoch': (number);
}
