// Original file: proto/rrd/v1/collective.proto

import type { Long } from '@grpc/proto-loader';

export interface Ready {
  'generation'?: (number | string | Long);
}

export interface Ready__Output {
  'generation': (number);
}
