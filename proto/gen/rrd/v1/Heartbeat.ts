// Original file: proto/rrd/v1/memory_bank.proto

import type { Long } from '@grpc/proto-loader';

export interface Heartbeat {
  'version'?: (number | string | Long);
}

export interface Heartbeat__Output {
  'version': (number);
}
