// Original file: proto/rrd/v1/teacher.proto


export interface DescribeResponse {
  'model'?: (string);
  'teacherDigest'?: (string);
  'network'?: (string);
  'featureDim'?: (number);
  'classCount'?: (number);
  'imageShape'?: (number)[];
  'engine'?: (string);
  'maxBatchSize'?: (number);
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
}
