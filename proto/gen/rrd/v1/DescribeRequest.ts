// Original file: proto/rrd/v1/teacher.proto


export interface DescribeRequest {
  'model'?: (string);
  'dataset'?: (string);
  'datasetDigest'?: (string);
  'mapShapes'?: (boolean);
}

export interface DescribeRequest__Output {
  'model': (string);
  'dataset': (string);
  'datasetDigest': (string);
  'mapShapes': (boolean);
}
