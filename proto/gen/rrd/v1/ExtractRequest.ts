// Original file: proto/rrd/v1/teacher.proto

import type { SampleRefs as _rrd_v1_SampleRefs, SampleRefs__Output as _rrd_v1_SampleRefs__Output } from '../../rrd/v1/SampleRefs.js';
import type { Tensor as _rrd_v1_Tensor, Tensor__Output as _rrd_v1_Tensor__Output } from '../../rrd/v1/Tensor.js';
import type { TeacherOutput as _rrd_v1_TeacherOutput, TeacherOutput__Output as _rrd_v1_TeacherOutput__Output } from '../../rrd/v1/TeacherOutput.js';
import type { Projection as _rrd_v1_Projection, Projection__Output as _rrd_v1_Projection__Output } from '../../rrd/v1/Projection.js';
import type { DataType as _rrd_v1_DataType, DataType__Output as _rrd_v1_DataType__Output } from '../../rrd/v1/DataType.js';

export interface ExtractRequest {
  'model'?: (string);
  'teacherDigest'?: (string);
  'refs'?: (_rrd_v1_SampleRefs | null);
  'pixels'?: (_rrd_v1_Tensor | null);
  'outputs'?: (_rrd_v1_TeacherOutput)[];
  'projection'?: (_rrd_v1_Projection | null);
  'mapIndices'?: (number)[];
  'mapPrecision'?: (_rrd_v1_DataType);
  'client'?: (string);
  'priority'?: (number);
  'samples'?: "refs"|"pixels";
}

export interface ExtractRequest__Output {
  'model': (string);
  'teacherDigest': (string);
  'refs'?: (_rrd_v1_SampleRefs__Output | null);
  'pixels'?: (_rrd_v1_Tensor__Output | null);
  'outputs': (_rrd_v1_TeacherOutput__Output)[];
  'projection': (_rrd_v1_Projection__Output | null);
  'mapIndices': (number)[];
  'mapPrecision': (_rrd_v1_DataType__Output);
  'client': (string);
  'priority': (number);
  'samples'?: "refs"|"pixels";
}
