import { kd } from './kd.js';
import type { Method } from './method.js';
import { rrd } from './rrd.js';

/** Every method by the name that an experiment's `loss` gives it. */
export const methods = { kd, rrd } satisfies Record<string, Method>;

export type MethodName = keyof typeof methods;
export const methodNames = Object.keys(methods) as MethodName[];
