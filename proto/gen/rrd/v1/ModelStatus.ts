// Original file: proto/rrd/v1/teacher.proto


export interface ModelStatus {
  'model'?: (string);
  'loaded'?: (boolean);
  'teacherDigest'?: (string);
  'network'?: (string);
  'engine'?: (string);
}

export interface ModelStatus__Output {
  'model': (string);
  'loaded': (boolean);
  'teacherDigest': (string);
  'network': (string);
  'engine': (string);
}
