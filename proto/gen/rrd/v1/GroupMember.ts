// Original file: proto/rrd/v1/collective.proto


export interface GroupMember {
  'worker'?: (string);
  'address'?: (string);
  'ranks'?: (number)[];
}

export interface GroupMember__Output {
  'worker': (string);
  'address': (string);
  'ranks': (number)[];
}
