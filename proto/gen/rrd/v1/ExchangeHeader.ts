// Original file: proto/rrd/v1/collective.proto

import type { Long } from '@grpc/proto-loader';

export interface ExchangeHeader {
  'runId'?: (string);
  'attempt'?: (number | string | Long);
  'generation'?: (number | string | Long);
  'index'?: (number);
}

export interface ExchangeHeader__Output {
  'runId': (string);
  'attempt': (number);
  'generation': (number);
  'index': (number);
}
