// TensorFlow operations of our own, for CPUs: one pass over memory where its
// own would make several. scripts/setup-tensorflow.mjs links them into
// tfjs-node's addon, which registers them as it loads.
#include <string>
#include <vector>

#include "batch_norm.h"
#include "filters.h"
#include "sgd.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

namespace rrd {
namespace {

using tensorflow::DEVICE_CPU;
using tensorflow::OpInputList;
using tensorflow::OpKernel;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::OpOutputList;
using tensorflow::Tensor;
using tensorflow::TensorShape;

const float* Data(const Tensor& tensor) { return tensor.flat<float>().data(); }
float* Data(Tensor* tensor) { return tensor->flat<float>().data(); }

// Spreads [0, count) over TensorFlow's own threads; `cost` is in cycles.
template <typename F>
void Parallel(OpKernelContext* context, int64_t count, int64_t cost, F f) {
  auto* threads = context->device()->tensorflow_cpu_worker_threads();
  threads->workers->ParallelFor(count, cost, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) f(i);
  });
}

// Of a tensor [..., channels].
Rows RowsOf(const Tensor& x) {
  const int64_t channels = x.dim_size(x.dims() - 1);
  return {x.NumElements() / channels, channels};
}

int64_t Cost(const Rows& shape) { return shape.BlockRows() * shape.channels; }

class TailOp : public OpKernel {
 public:
  explicit TailOp(OpKernelConstruction* context) : OpKernel(context) {
    std::string tail;
    OP_REQUIRES_OK(context, context->GetAttr("tail", &tail));
    tail_ = tail == "none"   ? Tail::kNone
            : tail == "relu" ? Tail::kRelu
                             : Tail::kAddRelu;
  }

 protected:
  Tail tail_;
};

// y of all rows. `residual` is read by tail add_relu only.
void NormaliseAll(OpKernelContext* context, Tail tail, const Tensor& input,
                  const Tensor& residual, const Tensor& weight,
                  const Tensor& bias, const Tensor& mean,
                  const Tensor& variance, Tensor* output) {
  const Rows shape = RowsOf(input);
  std::vector<float> scale(shape.channels);
  Scales(Data(weight), Data(variance), shape.channels, scale.data());
  const float *x = Data(input), *added = Data(residual);
  const float *center = Data(mean), *shift = Data(bias);
  float* y = Data(output);
  Parallel(context, shape.Blocks(), Cost(shape), [&](int64_t block) {
    const int64_t at = shape.First(block) * shape.channels;
    Normalise(tail, x + at, added + at, center, scale.data(), shift,
              shape.Size(block), shape.channels, y + at);
  });
}

// By the batch's own statistics.
REGISTER_OP("RrdBatchNorm")
    .Input("x: float")
    .Input("residual: float")
    .Input("weight: float")
    .Input("bias: float")
    .Attr("tail: {'none', 'relu', 'add_relu'}")
    .Output("y: float")
    .Output("mean: float")
    .Output("variance: float");

class BatchNormOp : public TailOp {
 public:
  using TailOp::TailOp;

  void Compute(OpKernelContext* context) override {
    const Tensor& x = context->input(0);
    const Rows shape = RowsOf(x);
    const TensorShape vector({shape.channels});
    Tensor *y, *mean, *variance;
    OP_REQUIRES_OK(context, context->allocate_output(0, x.shape(), &y));
    OP_REQUIRES_OK(context, context->allocate_output(1, vector, &mean));
    OP_REQUIRES_OK(context, context->allocate_output(2, vector, &variance));
    Moments(context, shape, Data(x), Data(mean), Data(variance));
    NormaliseAll(context, tail_, x, context->input(1), context->input(2),
                 context->input(3), *mean, *variance, y);
  }

 private:
  static void Moments(OpKernelContext* context, const Rows& shape,
                      const float* x, float* mean, float* variance) {
    std::vector<float> means(shape.Blocks() * shape.channels);
    std::vector<float> squares(means.size());
    Parallel(context, shape.Blocks(), 2 * Cost(shape), [&](int64_t block) {
      const int64_t at = block * shape.channels;
      BlockMoments(x + shape.First(block) * shape.channels, shape.Size(block),
                   shape.channels, &means[at], &squares[at]);
    });
    JoinMoments(shape, means.data(), squares.data(), mean, variance);
  }
};

REGISTER_KERNEL_BUILDER(Name("RrdBatchNorm").Device(DEVICE_CPU), BatchNormOp);

// By given statistics.
REGISTER_OP("RrdBatchNormGiven")
    .Input("x: float")
    .Input("residual: float")
    .Input("weight: float")
    .Input("bias: float")
    .Input("mean: float")
    .Input("variance: float")
    .Attr("tail: {'none', 'relu', 'add_relu'}")
    .Output("y: float");

class BatchNormGivenOp : public TailOp {
 public:
  using TailOp::TailOp;

  void Compute(OpKernelContext* context) override {
    const Tensor& x = context->input(0);
    Tensor* y;
    OP_REQUIRES_OK(context, context->allocate_output(0, x.shape(), &y));
    NormaliseAll(context, tail_, x, context->input(1), context->input(2),
                 context->input(3), context->input(4), context->input(5), y);
  }
};

REGISTER_KERNEL_BUILDER(Name("RrdBatchNormGiven").Device(DEVICE_CPU),
                        BatchNormGivenOp);

// `y` is what RrdBatchNorm gave; read by tails with a ReLU only. `dresidual` is
// empty without a residual.
REGISTER_OP("RrdBatchNormGrad")
    .Input("dy: float")
    .Input("y: float")
    .Input("x: float")
    .Input("weight: float")
    .Input("mean: float")
    .Input("variance: float")
    .Attr("tail: {'none', 'relu', 'add_relu'}")
    .Output("dx: float")
    .Output("dweight: float")
    .Output("dbias: float")
    .Output("dresidual: float");

class BatchNormGradOp : public TailOp {
 public:
  using TailOp::TailOp;

  void Compute(OpKernelContext* context) override {
    const Tensor& input = context->input(2);
    const Rows shape = RowsOf(input);
    const int64_t channels = shape.channels;
    const bool adds = tail_ == Tail::kAddRelu;
    const TensorShape vector({channels});
    Tensor *input_gradient, *dweight, *dbias, *dresidual;
    OP_REQUIRES_OK(context,
                   context->allocate_output(0, input.shape(), &input_gradient));
    OP_REQUIRES_OK(context, context->allocate_output(1, vector, &dweight));
    OP_REQUIRES_OK(context, context->allocate_output(2, vector, &dbias));
    OP_REQUIRES_OK(context,
                   context->allocate_output(
                       3, adds ? input.shape() : TensorShape({0}), &dresidual));
    const float *dy = Data(context->input(0)), *y = Data(context->input(1));
    const float *x = Data(input), *mean = Data(context->input(4));
    float* kept = adds ? Data(dresidual) : nullptr;
    std::vector<float> sums(shape.Blocks() * channels), dots(sums.size());
    Parallel(context, shape.Blocks(), 2 * Cost(shape), [&](int64_t block) {
      const int64_t at = shape.First(block) * channels;
      GradientSums(tail_, dy + at, y + at, x + at, mean, shape.Size(block),
                   channels, &sums[block * channels], &dots[block * channels],
                   adds ? kept + at : nullptr);
    });
    std::vector<double> sum(channels), dot(channels);
    JoinSums(shape, sums.data(), sum.data());
    JoinSums(shape, dots.data(), dot.data());
    const float* variance = Data(context->input(5));
    std::vector<float> scale(channels), mean_dz(channels), slope(channels);
    Scales(Data(context->input(3)), variance, channels, scale.data());
    for (int64_t c = 0; c < channels; c++) {
      const double square = variance[c] + kEpsilon;
      Data(dweight)[c] = static_cast<float>(dot[c] / std::sqrt(square));
      Data(dbias)[c] = static_cast<float>(sum[c]);
      mean_dz[c] = static_cast<float>(sum[c] / shape.count);
      slope[c] = static_cast<float>(dot[c] / square / shape.count);
    }
    float* dx = Data(input_gradient);
    Parallel(context, shape.Blocks(), 2 * Cost(shape), [&](int64_t block) {
      const int64_t at = shape.First(block) * channels;
      InputGradient(tail_, adds ? kept + at : dy + at, y + at, x + at, mean,
                    scale.data(), mean_dz.data(), slope.data(),
                    shape.Size(block), channels, dx + at);
    });
  }
};

REGISTER_KERNEL_BUILDER(Name("RrdBatchNormGrad").Device(DEVICE_CPU),
                        BatchNormGradOp);

// new = old (1 - momentum) + batch momentum, for a mean and for a variance that
// `unbias` makes unbiased.
REGISTER_OP("RrdRunningStatistics")
    .Input("running_mean: float")
    .Input("running_variance: float")
    .Input("mean: float")
    .Input("variance: float")
    .Attr("momentum: float")
    .Attr("unbias: float")
    .Output("new_mean: float")
    .Output("new_variance: float");

class RunningStatisticsOp : public OpKernel {
 public:
  explicit RunningStatisticsOp(OpKernelConstruction* context)
      : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("momentum", &momentum_));
    OP_REQUIRES_OK(context, context->GetAttr("unbias", &unbias_));
  }

  void Compute(OpKernelContext* context) override {
    Blend(context, 0, 1.0f);
    Blend(context, 1, unbias_);
  }

 private:
  void Blend(OpKernelContext* context, int index, float factor) {
    const Tensor& running = context->input(index);
    Tensor* output;
    OP_REQUIRES_OK(context,
                   context->allocate_output(index, running.shape(), &output));
    const float *old = Data(running), *batch = Data(context->input(index + 2));
    for (int64_t c = 0; c < running.NumElements(); c++)
      Data(output)[c] =
          old[c] * (1 - momentum_) + batch[c] * factor * momentum_;
  }

  float momentum_;
  float unbias_;
};

REGISTER_KERNEL_BUILDER(Name("RrdRunningStatistics").Device(DEVICE_CPU),
                        RunningStatisticsOp);

REGISTER_OP("RrdSgd")
    .Input("rate: float")
    .Input("weights: N * float")
    .Input("gradients: N * float")
    .Input("velocities: N * float")
    .Attr("N: int >= 1")
    .Attr("momentum: float")
    .Attr("weight_decay: float")
    .Output("new_weights: N * float")
    .Output("new_velocities: N * float");

class SgdOp : public OpKernel {
 public:
  explicit SgdOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("momentum", &momentum_));
    OP_REQUIRES_OK(context, context->GetAttr("weight_decay", &weight_decay_));
  }

  void Compute(OpKernelContext* context) override {
    OpInputList weights, gradients, velocities;
    OpOutputList new_weights, new_velocities;
    OP_REQUIRES_OK(context, context->input_list("weights", &weights));
    OP_REQUIRES_OK(context, context->input_list("gradients", &gradients));
    OP_REQUIRES_OK(context, context->input_list("velocities", &velocities));
    OP_REQUIRES_OK(context, context->output_list("new_weights", &new_weights));
    OP_REQUIRES_OK(context,
                   context->output_list("new_velocities", &new_velocities));
    const float rate = Data(context->input(0))[0];
    constexpr int64_t kPiece = 16384;
    for (int i = 0; i < weights.size(); i++) {
      const TensorShape& shape = weights[i].shape();
      Tensor *weight, *velocity;
      OP_REQUIRES_OK(context, new_weights.allocate(i, shape, &weight));
      OP_REQUIRES_OK(context, new_velocities.allocate(i, shape, &velocity));
      const int64_t size = shape.num_elements();
      const int64_t pieces = (size + kPiece - 1) / kPiece;
      Parallel(context, pieces, kPiece, [&](int64_t piece) {
        const int64_t at = piece * kPiece;
        Sgd(Data(weights[i]) + at, Data(gradients[i]) + at,
            Data(velocities[i]) + at, rate, momentum_, weight_decay_,
            std::min(kPiece, size - at), Data(weight) + at,
            Data(velocity) + at);
      });
    }
  }

 private:
  float momentum_;
  float weight_decay_;
};

REGISTER_KERNEL_BUILDER(Name("RrdSgd").Device(DEVICE_CPU), SgdOp);

// [out, in, height, width] to [height, width, in, out], or back.
REGISTER_OP("RrdTransposeFilter")
    .Input("from: float")
    .Attr("outputs: {'first', 'last'}")
    .Output("to: float");

class TransposeFilterOp : public OpKernel {
 public:
  explicit TransposeFilterOp(OpKernelConstruction* context)
      : OpKernel(context) {
    std::string outputs;
    OP_REQUIRES_OK(context, context->GetAttr("outputs", &outputs));
    to_last_ = outputs == "last";
  }

  void Compute(OpKernelContext* context) override {
    const Tensor& from = context->input(0);
    const auto& sizes = from.shape();
    const auto at = [&](int axis) { return sizes.dim_size(axis); };
    const TensorShape shape = to_last_
                                  ? TensorShape({at(2), at(3), at(1), at(0)})
                                  : TensorShape({at(3), at(2), at(0), at(1)});
    Tensor* to;
    OP_REQUIRES_OK(context, context->allocate_output(0, shape, &to));
    const Filter filter = to_last_ ? Filter{at(0), at(1), at(2) * at(3)}
                                   : Filter{at(3), at(2), at(0) * at(1)};
    const int64_t cost = kTile * filter.inputs * filter.area;
    Parallel(context, filter.Tiles(), cost, [&](int64_t tile) {
      (to_last_ ? TileToLast : TileToFirst)(filter, tile, Data(from), Data(to));
    });
  }

 private:
  bool to_last_;
};

REGISTER_KERNEL_BUILDER(Name("RrdTransposeFilter").Device(DEVICE_CPU),
                        TransposeFilterOp);

}  // namespace
}  // namespace rrd
