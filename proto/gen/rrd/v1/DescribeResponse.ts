// Original file: proto/rrd/v1/teacher.proto

import type { MapShape as _rrd_v1_MapShape, MapShape__Output as _rrd_v1_MapShape__Output } from '../../rrd/v1/MapShape.js';

export interface DescribeResponse {
  'model'?: (string);
  'teacherDigest'?: (string);
  'network'?: (string);
  'featureDim'?: (number);
  'classCount'?: (number);
  'imageShape'?: (number)[];
  'engine'?: (string);
  'maxBatchSize'?: (number);
  'mapShapes'?: (_rrd_v1_MapShape)[];
}

export interface DescribeResponse__Output {
  'model': (string);
  'teacherDigest': (string);
  'network': (string);
  'featureDim': (number);
  'classCount': (number);
  'imageShape': (number)[];
  'engine': (string);
  'maxBatchSize': (number);
  'mapShapes': (_rrd_v1_MapShape__Output)[];
}
