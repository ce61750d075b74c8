// Original file: proto/rrd/v1/teacher.proto

import type { Tensor as _rrd_v1_Tensor, Tensor__Output as _rrd_v1_Tensor__Output } from '../../rrd/v1/Tensor.js';

export interface ExtractResponse {
  'teacherDigest'?: (string);
  'features'?: (_rrd_v1_Tensor | null);
  'logits'?: (_rrd_v1_Tensor | null);
  'embeddings'?: (_rrd_v1_Tensor | null);
  'maps'?: (_rrd_v1_Tensor)[];
  'preactivations'?: (_rrd_v1_Tensor)[];
  'similarities'?: (_rrd_v1_Tensor | null);
}

export interface ExtractResponse__Output {
  'teacherDigest': (string);
  'features': (_rrd_v1_Tensor__Output | null);
  'logits': (_rrd_v1_Tensor__Output | null);
  'embeddings': (_rrd_v1_Tensor__Output | null);
  'maps': (_rrd_v1_Tensor__Output)[];
  'preactivations': (_rrd_v1_Tensor__Output)[];
  'similarities': (_rrd_v1_Tensor__Output | null);
}
