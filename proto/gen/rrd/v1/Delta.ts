// Original file: proto/rrd/v1/memory_bank.proto

import type { Tensor as _rrd_v1_Tensor, Tensor__Output as _rrd_v1_Tensor__Output } from '../../rrd/v1/Tensor.js';
import type { Long } from '@grpc/proto-loader';

export interface Delta {
  'version'?: (number | string | Long);
  'runId'?: (string);
  'step'?: (number | string | Long);
  'rows'?: (_rrd_v1_Tensor | null);
  'traceparent'?: (string);
  'slots'?: (number)[];
}

export interface Delta__Output {
  'version': (number);
  'runId': (string);
  'step': (number);
  'rows': (_rrd_v1_Tensor__Output | null);
  'traceparent': (string);
  'slots': (number)[];
}
