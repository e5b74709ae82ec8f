// The fused optimiser step of libtorch, which neither tch nor torch-sys wraps. See fused.rs.
#include <ATen/core/Tensor.h>
#include <ATen/ops/_fused_sgd.h>

#include <exception>
#include <string>
#include <vector>

namespace {

std::vector<at::Tensor> list(at::Tensor *const *tensors, size_t count) {
  std::vector<at::Tensor> all;
  all.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    all.push_back(*tensors[i]);
  }
  return all;
}

}  // namespace

// Null, or what went wrong: text that is good until this thread's next call.
extern "C" const char *digits_fused_sgd(at::Tensor *const *x, at::Tensor *const *g, at::Tensor *const *v, size_t count,
                                        double decay, double momentum, double dampening, double rate,
                                        bool is_first) noexcept {
  thread_local std::string wrong;
  try {
    const auto velocity = v == nullptr ? std::vector<at::Tensor>() : list(v, count);
    at::_fused_sgd_(list(x, count), list(g, count), velocity, decay, momentum, rate, dampening,
                    /*nesterov=*/false, /*maximize=*/false, is_first);
    return nullptr;
  } catch (const std::exception &error) {
    wrong = error.what();
    return wrong.c_str();
  }
}
