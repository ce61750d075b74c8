// Original file: proto/rrd/v1/memory_bank.proto

import type { Tensor as _rrd_v1_Tensor, Tensor__Output as _rrd_v1_Tensor__Output } from '../../rrd/v1/Tensor.js';

export interface SnapshotChunk {
  'firstSlot'?: (number);
  'rows'?: (_rrd_v1_Tensor | null);
}

export interface SnapshotChunk__Output {
  'firstSlot': (number);
  'rows': (_rrd_v1_Tensor__Output | null);
}
