// Original file: proto/rrd/v1/collective.proto

import type { Long } from '@grpc/proto-loader';

export interface WeightsDigest {
  'generation'?: (number | string | Long);
  'step'?: (number | string | Long);
  'digest'?: (string);
}

export interface WeightsDigest__Output {
  'generation': (number);
  'step': (number);
  'digest': (string);
}
