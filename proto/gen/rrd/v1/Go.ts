// Original file: proto/rrd/v1/collective.proto

import type { Long } from '@grpc/proto-loader';

export interface Go {
  'generation'?: (number | string | Long);
}

export interface Go__Output {
  'generation': (number);
}
