// Original file: proto/rrd/v1/tensor.proto

import type { DataType as _rrd_v1_DataType, DataType__Output as _rrd_v1_DataType__Output } from '../../rrd/v1/DataType.js';

export interface Tensor {
  'dataType'?: (_rrd_v1_DataType);
  'shape'?: (number)[];
  'data'?: (Buffer | Uint8Array | string);
}

export interface Tensor__Output {
  'dataType': (_rrd_v1_DataType__Output);
  'shape': (number)[];
  'data': (Buffer);
}
