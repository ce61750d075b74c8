// Original file: proto/rrd/v1/teacher.proto

import type { Long } from '@grpc/proto-loader';

export interface Projection {
  'seed'?: (number | string | Long);
  'featDim'?: (number);
}

export interface Projection__Output {
  'seed': (number);
  'featDim': (number);
}
