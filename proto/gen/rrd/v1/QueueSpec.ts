// Original file: proto/rrd/v1/memory_bank.proto

import type { QueueInit as _rrd_v1_QueueInit, QueueInit__Output as _rrd_v1_QueueInit__Output } from '../../rrd/v1/QueueInit.js';
import type { DataType as _rrd_v1_DataType, DataType__Output as _rrd_v1_DataType__Output } from '../../rrd/v1/DataType.js';
import type { Long } from '@grpc/proto-loader';

export interface QueueSpec {
  'queue'?: (string);
  'capacity'?: (number);
  'featDim'?: (number);
  'seed'?: (number | string | Long);
  'init'?: (_rrd_v1_QueueInit);
  'worldSize'?: (number);
  'teacherDigest'?: (string);
  'projectionSeed'?: (number | string | Long);
  'momentum'?: (number | string);
  'precision'?: (_rrd_v1_DataType);
  'shared'?: (boolean);
  '_momentum'?: "momentum";
}

export interface QueueSpec__Output {
  'queue': (string);
  'capacity': (number);
  'featDim': (number);
  'seed': (number);
  'init': (_rrd_v1_QueueInit__Output);
  'worldSize': (number);
  'teacherDigest': (string);
  'projectionSeed': (number);
  'momentum'?: (number);
  'precision': (_rrd_v1_DataType__Output);
  'shared': (boolean);
  '_momentum'?: "momentum";
}
