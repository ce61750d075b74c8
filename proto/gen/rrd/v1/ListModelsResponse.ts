// Original file: proto/rrd/v1/teacher.proto

import type { ModelStatus as _rrd_v1_ModelStatus, ModelStatus__Output as _rrd_v1_ModelStatus__Output } from '../../rrd/v1/ModelStatus.js';

export interface ListModelsResponse {
  'models'?: (_rrd_v1_ModelStatus)[];
}

export interface ListModelsResponse__Output {
  'models': (_rrd_v1_ModelStatus__Output)[];
}
