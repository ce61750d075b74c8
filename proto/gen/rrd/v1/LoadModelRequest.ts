// Original file: proto/rrd/v1/teacher.proto


export interface LoadModelRequest {
  'model'?: (string);
}

export interface LoadModelRequest__Output {
  'model': (string);
}
