#pragma once

#include <algorithm>
#include <cstdint>

#include "vectorised.h"

// Filters between torch's layout [out, in, size, size] and TensorFlow's
// [size, size, in, out].
namespace rrd {

// Outputs that are moved together: a line of a processor's cache.
constexpr int64_t kTile = 16;

struct Filter {
  int64_t outputs;
  int64_t inputs;
  int64_t area;  // size x size

  int64_t Tiles() const { return (outputs + kTile - 1) / kTile; }
};

// Moves the filters of one tile; `from` is [out, in, area].
RRD_VECTORISED void TileToLast(const Filter& filter, int64_t tile,
                               const float* from, float* RRD_RESTRICT to) {
  const int64_t first = tile * kTile;
  const int64_t count = std::min(kTile, filter.outputs - first);
  const int64_t stride = filter.inputs * filter.area;
  for (int64_t input = 0; input < filter.inputs; input++)
    for (int64_t s = 0; s < filter.area; s++) {
      const float* source = from + first * stride + input * filter.area + s;
      float* line = to + (s * filter.inputs + input) * filter.outputs + first;
      for (int64_t o = 0; o < count; o++) line[o] = source[o * stride];
    }
}

// The opposite; `from` is [area, in, out].
RRD_VECTORISED void TileToFirst(const Filter& filter, int64_t tile,
                                const float* from, float* RRD_RESTRICT to) {
  const int64_t first = tile * kTile;
  const int64_t count = std::min(kTile, filter.outputs - first);
  const int64_t stride = filter.inputs * filter.area;
  for (int64_t input = 0; input < filter.inputs; input++)
    for (int64_t s = 0; s < filter.area; s++) {
      const float* line =
          from + (s * filter.inputs + input) * filter.outputs + first;
      float* target = to + first * stride + input * filter.area + s;
      for (int64_t o = 0; o < count; o++) target[o * stride] = line[o];
    }
}

}  // namespace rrd
