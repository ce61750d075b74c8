// Original file: proto/rrd/v1/collective.proto

import type { Long } from '@grpc/proto-loader';

export interface QueuePlace {
  'version'?: (number | string | Long);
  'pointer'?: (number);
  'nextStep'?: (number | string | Long);
}

export interface QueuePlace__Output {
  'version': (number);
  'pointer': (number);
  'nextStep': (number);
}
