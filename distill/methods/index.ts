import { ab } from './ab.js';
import { at } from './at.js';
import { augmentedKd } from './augmented-kd.js';
import { cc } from './cc.js';
import { crdMemory } from './crd-memory.js';
import { crd } from './crd.js';
import { dcd } from './dcd.js';
import { ega } from './ega.js';
import { fitnet } from './fitnet.js';
import { fsp } from './fsp.js';
import { ft } from './ft.js';
import { itrd } from './itrd.js';
import { kd } from './kd.js';
import { kdsvd } from './kdsvd.js';
import type { Method } from './method.js';
import { nst } from './nst.js';
import { pkt } from './pkt.js';
import { rkd } from './rkd.js';
import { rrdMemory } from './rrd-memory.js';
import { rrd } from './rrd.js';
import { sp } from './sp.js';
import { vid } from './vid.js';
import { wsld } from './wsld.js';

/** Every method by the name that an experiment's `loss` gives it. */
export const methods = {
  kd,
  augmentedKd,
  rrd,
  rrdMemory,
  crd,
  crdMemory,
  dcd,
  fitnet,
  at,
  sp,
  cc,
  vid,
  rkd,
  pkt,
  nst,
  ab,
  ft,
  fsp,
  kdsvd,
  itrd,
  ega,
  wsld,
} satisfies Record<string, Method>;

export type MethodName = keyof typeof methods;
export const methodNames = Object.keys(methods) as MethodName[];
