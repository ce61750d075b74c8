// Original file: proto/rrd/v1/memory_bank.proto

import type { Long } from '@grpc/proto-loader';

export interface SubscribeRequest {
  'queue'?: (string);
  'fromVersion'?: (number | string | Long);
  '_fromVersion'?: "fromVersion";
}

export interface SubscribeRequest__Output {
  'queue': (string);
  'fromVersion'?: (number);
  '_fromVersion'?: "fromVersion";
}
