// Original file: proto/rrd/v1/teacher.proto

import type { ModelStatus as _rrd_v1_ModelStatus, ModelStatus__Output as _rrd_v1_ModelStatus__Output } from '../../rrd/v1/ModelStatus.js';

export interface LoadModelResponse {
  'status'?: (_rrd_v1_ModelStatus | null);
}

export interface LoadModelResponse__Output {
  'status': (_rrd_v1_ModelStatus__Output | null);
}
