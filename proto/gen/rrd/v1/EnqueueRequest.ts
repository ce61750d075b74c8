// Original file: proto/rrd/v1/memory_bank.proto

import type { BatchId as _rrd_v1_BatchId, BatchId__Output as _rrd_v1_BatchId__Output } from '../../rrd/v1/BatchId.js';
import type { Tensor as _rrd_v1_Tensor, Tensor__Output as _rrd_v1_Tensor__Output } from '../../rrd/v1/Tensor.js';
import type { Long } from '@grpc/proto-loader';

export interface EnqueueRequest {
  'queue'?: (string);
  'epoch'?: (number | string | Long);
  'batchId'?: (_rrd_v1_BatchId | null);
  'teacherDigest'?: (string);
  'rows'?: (_rrd_v1_Tensor | null);
  'slots'?: (number)[];
  'projectionSeed'?: (number | string | Long);
  '_projectionSeed'?: "projectionSeed";
}

export interface EnqueueRequest__Output {
  'queue': (string);
  'epoch': (number);
  'batchId': (_rrd_v1_BatchId__Output | null);
  'teacherDigest': (string);
  'rows': (_rrd_v1_Tensor__Output | null);
  'slots': (number)[];
  'projectionSeed'?: (number);
  '_projectionSeed'?: "projectionSeed";
}
