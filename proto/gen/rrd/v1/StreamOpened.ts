// Original file: proto/rrd/v1/teacher.proto


export interface StreamOpened {
  'credits'?: (number);
}

export interface StreamOpened__Output {
  'credits': (number);
}
