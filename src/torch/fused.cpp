// The fused optimiser steps of libtorch, which neither tch nor torch-sys wraps. See fused.rs.
#include <ATen/core/Tensor.h>
#include <ATen/ops/_fused_adagrad.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_sgd.h>
#include <caught.h>

#include <vector>

namespace {

using digits::caught;

using List = at::Tensor *const *;

std::vector<at::Tensor> list(List tensors, size_t count) {
  std::vector<at::Tensor> all;
  all.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    all.push_back(*tensors[i]);
  }
  return all;
}

}  // namespace

// `here` is the rate where it is not in the device's memory.
extern "C" {
const char *digits_fused_sgd(List x, List g, List v, size_t count, double decay, double momentum, double dampening,
                             double here, const at::Tensor *there, bool is_first) noexcept {
  return caught([&] {
    const auto velocity = v == nullptr ? std::vector<at::Tensor>() : list(v, count);
    const auto step = [&](const auto &rate) {
      at::_fused_sgd_(list(x, count), list(g, count), velocity, decay, momentum, rate, dampening,
                      /*nesterov=*/false, /*maximize=*/false, is_first);
    };
    there == nullptr ? step(here) : step(*there);
  });
}

const char *digits_fused_adam(List x, List g, List m, List v, size_t count, const at::Tensor *steps, double beta1,
                              double beta2, double decay, double epsilon, double here,
                              const at::Tensor *there) noexcept {
  return caught([&] {
    const std::vector<at::Tensor> taken(count, *steps);
    const auto step = [&](const auto &rate) {
      at::_fused_adam_(list(x, count), list(g, count), list(m, count), list(v, count), {}, taken, rate, beta1, beta2,
                       decay, epsilon, /*amsgrad=*/false, /*maximize=*/false);
    };
    there == nullptr ? step(here) : step(*there);
  });
}

const char *digits_fused_adagrad(List x, List g, List s, size_t count, const at::Tensor *steps, double decay,
                                 double epsilon, double here, const at::Tensor *there) noexcept {
  return caught([&] {
    const std::vector<at::Tensor> taken(count, *steps);
    const auto step = [&](const auto &rate) {
      at::_fused_adagrad_(list(x, count), list(g, count), list(s, count), taken, rate, /*lr_decay=*/0.0, decay,
                          epsilon, /*maximize=*/false);
    };
    there == nullptr ? step(here) : step(*there);
  });
}
}
