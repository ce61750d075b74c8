// Original file: proto/rrd/v1/collective.proto


export interface MemberHeartbeat {
}

export interface MemberHeartbeat__Output {
}
