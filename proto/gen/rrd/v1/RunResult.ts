// Original file: proto/rrd/v1/run.proto

import type { Long } from '@grpc/proto-loader';

export interface RunResult {
  'testAccuracy'?: (number | string);
  'bestTestAccuracy'?: (number | string);
  'agreementWithTeacher'?: (number | string);
  'imagesPerSecond'?: (number | string);
  'steps'?: (number | string | Long);
  'teacherBytes'?: (number | string | Long);
  'bankBytes'?: (number | string | Long);
  'bankVersions'?: (number | string | Long);
  'engine'?: (string);
  'checkpoint'?: (string);
  '_agreementWithTeacher'?: "agreementWithTeacher";
}

export interface RunResult__Output {
  'testAccuracy': (number);
  'bestTestAccuracy': (number);
  'agreementWithTeacher'?: (number);
  'imagesPerSecond': (number);
  'steps': (number);
  'teacherBytes': (number);
  'bankBytes': (number);
  'bankVersions': (number);
  'engine': (string);
  'checkpoint': (string);
  '_agreementWithTeacher'?: "agreementWithTeacher";
}
