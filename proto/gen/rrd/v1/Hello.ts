// Original file: proto/rrd/v1/collective.proto

import type { Long } from '@grpc/proto-loader';

export interface Hello {
  'runId'?: (string);
  'attempt'?: (number | string | Long);
  'worker'?: (string);
  'address'?: (string);
  'engine'?: (string);
  'engineVersion'?: (string);
  'codeVersion'?: (string);
  'datasetDigest'?: (string);
}

export interface Hello__Output {
  'runId': (string);
  'attempt': (number);
  'worker': (string);
  'address': (string);
  'engine': (string);
  'engineVersion': (string);
  'codeVersion': (string);
  'datasetDigest': (string);
}
