// Original file: proto/rrd/v1/memory_bank.proto

import type { Long } from '@grpc/proto-loader';

export interface QueueHealth {
  'version'?: (number | string | Long);
  'measuredRows'?: (number);
  'duplicateRate'?: (number | string);
  'effectiveRank'?: (number | string);
  'similarityEntropy'?: (number | string);
  'meanNorm'?: (number | string);
  'oldestRowVersions'?: (number | string | Long);
  'readerLagVersions'?: (number | string | Long);
}

export interface QueueHealth__Output {
  'version': (number);
  'measuredRows': (number);
  'duplicateRate': (number);
  'effectiveRank': (number);
  'similarityEntropy': (number);
  'meanNorm': (number);
  'oldestRowVersions': (number);
  'readerLagVersions': (number);
}
