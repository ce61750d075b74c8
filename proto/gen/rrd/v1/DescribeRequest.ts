// Original file: proto/rrd/v1/teacher.proto


export interface DescribeRequest {
  'model'?: (string);
}

export interface DescribeRequest__Output {
  'model': (string);
}
