#pragma once

#include <cstdint>

#include "vectorised.h"

namespace rrd {

// One step of SGD with momentum, as distill/optimiser.ts defines it.
RRD_VECTORISED void Sgd(const float* weight, const float* gradient,
                        const float* velocity, float rate, float momentum,
                        float weight_decay, int64_t size,
                        float* RRD_RESTRICT new_weight,
                        float* RRD_RESTRICT new_velocity) {
  for (int64_t i = 0; i < size; i++) {
    const float decayed = gradient[i] + weight[i] * weight_decay;
    const float v = velocity[i] * momentum + decayed;
    new_velocity[i] = v;
    new_weight[i] = weight[i] - v * rate;
  }
}

}  // namespace rrd
