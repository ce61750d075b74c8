#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "vectorised.h"

// Batch norm over the rows of [rows, channels], with what follows it in a
// network: y = max((x - mean) scale + bias + residual, 0). Each function reads
// its tensors once, in blocks of rows that stay in a core's cache.
namespace rrd {

constexpr double kEpsilon = 1e-5;

// What follows the norm itself.
enum class Tail { kNone, kRelu, kAddRelu };

struct Rows {
  int64_t count;
  int64_t channels;

  // Partial sums are made block by block and added in the blocks' order, so
  // they are the same bits on any number of threads.
  int64_t BlockRows() const { return std::max<int64_t>(16, 8192 / channels); }
  int64_t Blocks() const { return (count + BlockRows() - 1) / BlockRows(); }
  int64_t First(int64_t block) const { return block * BlockRows(); }
  int64_t Size(int64_t block) const {
    return std::min(BlockRows(), count - First(block));
  }
};

// The mean and the sum of squared distances from it, of one block.
RRD_VECTORISED void BlockMoments(const float* x, int64_t rows, int64_t channels,
                                 float* RRD_RESTRICT mean,
                                 float* RRD_RESTRICT squares) {
  std::fill_n(mean, channels, 0.0f);
  std::fill_n(squares, channels, 0.0f);
  for (int64_t row = 0; row < rows; row++)
    for (int64_t c = 0; c < channels; c++) mean[c] += x[row * channels + c];
  for (int64_t c = 0; c < channels; c++) mean[c] /= static_cast<float>(rows);
  for (int64_t row = 0; row < rows; row++)
    for (int64_t c = 0; c < channels; c++) {
      const float distance = x[row * channels + c] - mean[c];
      squares[c] += distance * distance;
    }
}

// Mean and biased variance of all rows, from those of the blocks (T. F. Chan,
// G. H. Golub, R. J. LeVeque, "Updating formulae and a pairwise algorithm for
// computing sample variances", 1979).
RRD_VECTORISED void JoinMoments(const Rows& shape, const float* means,
                                const float* squares, float* RRD_RESTRICT mean,
                                float* RRD_RESTRICT variance) {
  const int64_t channels = shape.channels;
  std::vector<double> center(channels, 0.0), sum(channels, 0.0);
  double count = 0;
  for (int64_t block = 0; block < shape.Blocks(); block++) {
    const double size = static_cast<double>(shape.Size(block));
    const double share = size / (count + size);
    const double weight = count * share;
    for (int64_t c = 0; c < channels; c++) {
      const double step = means[block * channels + c] - center[c];
      center[c] += step * share;
      sum[c] += squares[block * channels + c] + step * step * weight;
    }
    count += size;
  }
  for (int64_t c = 0; c < channels; c++) {
    mean[c] = static_cast<float>(center[c]);
    variance[c] = static_cast<float>(sum[c] / count);
  }
}

static void Scales(const float* weight, const float* variance, int64_t channels,
                   float* RRD_RESTRICT scale) {
  for (int64_t c = 0; c < channels; c++)
    scale[c] =
        weight[c] / static_cast<float>(std::sqrt(variance[c] + kEpsilon));
}

template <Tail tail>
RRD_INLINE void NormaliseRows(const float* x, const float* residual,
                              const float* mean, const float* scale,
                              const float* bias, int64_t rows, int64_t channels,
                              float* RRD_RESTRICT y) {
  for (int64_t row = 0; row < rows; row++)
    for (int64_t c = 0; c < channels; c++) {
      const int64_t i = row * channels + c;
      float z = (x[i] - mean[c]) * scale[c] + bias[c];
      if (tail == Tail::kAddRelu) z += residual[i];
      y[i] = tail == Tail::kNone || z > 0 ? z : 0;
    }
}

RRD_VECTORISED void Normalise(Tail tail, const float* x, const float* residual,
                              const float* mean, const float* scale,
                              const float* bias, int64_t rows, int64_t channels,
                              float* RRD_RESTRICT y) {
  switch (tail) {
    case Tail::kNone:
      return NormaliseRows<Tail::kNone>(x, residual, mean, scale, bias, rows,
                                        channels, y);
    case Tail::kRelu:
      return NormaliseRows<Tail::kRelu>(x, residual, mean, scale, bias, rows,
                                        channels, y);
    case Tail::kAddRelu:
      return NormaliseRows<Tail::kAddRelu>(x, residual, mean, scale, bias, rows,
                                           channels, y);
  }
}

// The gradient in front of the tail.
template <Tail tail>
RRD_INLINE float Before(float dy, const float* y, int64_t i) {
  return tail == Tail::kNone || y[i] > 0 ? dy : 0;
}

// sum dz and sum dz (x - mean) of one block; dz is kept for a residual.
template <Tail tail>
RRD_INLINE void GradientSumsOfRows(const float* dy, const float* y,
                                   const float* x, const float* mean,
                                   int64_t rows, int64_t channels,
                                   float* RRD_RESTRICT sum,
                                   float* RRD_RESTRICT dot,
                                   float* RRD_RESTRICT dresidual) {
  for (int64_t row = 0; row < rows; row++)
    for (int64_t c = 0; c < channels; c++) {
      const int64_t i = row * channels + c;
      const float dz = Before<tail>(dy[i], y, i);
      if (tail == Tail::kAddRelu) dresidual[i] = dz;
      sum[c] += dz;
      dot[c] += dz * (x[i] - mean[c]);
    }
}

RRD_VECTORISED void GradientSums(Tail tail, const float* dy, const float* y,
                                 const float* x, const float* mean,
                                 int64_t rows, int64_t channels,
                                 float* RRD_RESTRICT sum,
                                 float* RRD_RESTRICT dot,
                                 float* RRD_RESTRICT dresidual) {
  std::fill_n(sum, channels, 0.0f);
  std::fill_n(dot, channels, 0.0f);
  switch (tail) {
    case Tail::kNone:
      return GradientSumsOfRows<Tail::kNone>(dy, y, x, mean, rows, channels,
                                             sum, dot, dresidual);
    case Tail::kRelu:
      return GradientSumsOfRows<Tail::kRelu>(dy, y, x, mean, rows, channels,
                                             sum, dot, dresidual);
    case Tail::kAddRelu:
      return GradientSumsOfRows<Tail::kAddRelu>(dy, y, x, mean, rows, channels,
                                                sum, dot, dresidual);
  }
}

// Adds up the blocks' sums of a channel.
RRD_VECTORISED void JoinSums(const Rows& shape, const float* partial,
                             double* sum) {
  std::fill_n(sum, shape.channels, 0.0);
  for (int64_t block = 0; block < shape.Blocks(); block++)
    for (int64_t c = 0; c < shape.channels; c++)
      sum[c] += partial[block * shape.channels + c];
}

// dx = scale (dz - mean dz - (x - mean) slope)
template <Tail tail>
RRD_INLINE void InputGradientOfRows(const float* dy, const float* y,
                                    const float* x, const float* mean,
                                    const float* scale, const float* mean_dz,
                                    const float* slope, int64_t rows,
                                    int64_t channels, float* RRD_RESTRICT dx) {
  for (int64_t row = 0; row < rows; row++)
    for (int64_t c = 0; c < channels; c++) {
      const int64_t i = row * channels + c;
      const float dz = Before<tail>(dy[i], y, i);
      dx[i] = scale[c] * (dz - mean_dz[c] - (x[i] - mean[c]) * slope[c]);
    }
}

// With a residual, dz is known by then and takes the place of dy.
RRD_VECTORISED void InputGradient(Tail tail, const float* dy, const float* y,
                                  const float* x, const float* mean,
                                  const float* scale, const float* mean_dz,
                                  const float* slope, int64_t rows,
                                  int64_t channels, float* RRD_RESTRICT dx) {
  if (tail == Tail::kRelu)
    InputGradientOfRows<Tail::kRelu>(dy, y, x, mean, scale, mean_dz, slope,
                                     rows, channels, dx);
  else
    InputGradientOfRows<Tail::kNone>(dy, y, x, mean, scale, mean_dz, slope,
                                     rows, channels, dx);
}

}  // namespace rrd
