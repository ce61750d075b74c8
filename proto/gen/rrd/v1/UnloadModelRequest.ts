// Original file: proto/rrd/v1/teacher.proto


export interface UnloadModelRequest {
  'model'?: (string);
}

export interface UnloadModelRequest__Output {
  'model': (string);
}
