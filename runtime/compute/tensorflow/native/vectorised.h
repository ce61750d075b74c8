#pragma once

// Compiled for several generations of processors; the loader takes the best.
// Without contraction to fused multiply-adds (see the compiler's options), and
// with sums that keep their order, all of them give the same bits.
#define RRD_VECTORISED   \
  static __attribute__(( \
      target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), noinline))

// Inlined into such a function, and compiled as it is.
#define RRD_INLINE static inline __attribute__((always_inline))

// An output of a loop, which overlaps with nothing.
#define RRD_RESTRICT __restrict__
