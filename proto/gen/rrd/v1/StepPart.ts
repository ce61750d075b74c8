// Original file: proto/rrd/v1/collective.proto

import type { StepPartKind as _rrd_v1_StepPartKind, StepPartKind__Output as _rrd_v1_StepPartKind__Output } from '../../rrd/v1/StepPartKind.js';
import type { Long } from '@grpc/proto-loader';

export interface StepPart {
  'step'?: (number | string | Long);
  'kind'?: (_rrd_v1_StepPartKind);
  'source'?: (number);
  'offset'?: (number | string | Long);
  'totalBytes'?: (number | string | Long);
  'data'?: (Buffer | Uint8Array | string);
}

export interface StepPart__Output {
  'step': (number);
  'kind': (_rrd_v1_StepPartKind__Output);
  'source': (number);
  'offset': (number);
  'totalBytes': (number);
  'data': (Buffer);
}
