// Original file: proto/rrd/v1/memory_bank.proto

import type { RestoreHeader as _rrd_v1_RestoreHeader, RestoreHeader__Output as _rrd_v1_RestoreHeader__Output } from '../../rrd/v1/RestoreHeader.js';
import type { Tensor as _rrd_v1_Tensor, Tensor__Output as _rrd_v1_Tensor__Output } from '../../rrd/v1/Tensor.js';

export interface RestoreQueueRequest {
  'header'?: (_rrd_v1_RestoreHeader | null);
  'chunk'?: (_rrd_v1_Tensor | null);
  'message'?: "header"|"chunk";
}

export interface RestoreQueueRequest__Output {
  'header'?: (_rrd_v1_RestoreHeader__Output | null);
  'chunk'?: (_rrd_v1_Tensor__Output | null);
  'message'?: "header"|"chunk";
}
