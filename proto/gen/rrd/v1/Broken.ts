// Original file: proto/rrd/v1/collective.proto

import type { Long } from '@grpc/proto-loader';

export interface Broken {
  'generation'?: (number | string | Long);
  'problem'?: (string);
}

export interface Broken__Output {
  'generation': (number);
  'problem': (string);
}
