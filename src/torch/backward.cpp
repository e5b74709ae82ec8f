// Gradients that tch does not wrap: of tensors weighted by others, and a convolution's in closed form. See backward.rs.
#include <ATen/core/Tensor.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/ones_like.h>
#include <torch/csrc/autograd/engine.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/variable.h>

#include <exception>
#include <string>
#include <vector>

namespace {

// Null, or what went wrong: text that is good until this thread's next call.
template <typename Work> const char *caught(Work work) noexcept {
  thread_local std::string wrong;
  try {
    work();
    return nullptr;
  } catch (const std::exception &error) {
    wrong = error.what();
    return wrong.c_str();
  }
}

// A new tensor of the caller's, or null.
at::Tensor *given(at::Tensor tensor) { return tensor.defined() ? new at::Tensor(std::move(tensor)) : nullptr; }

}  // namespace

extern "C" {
// gradients[i]: null where no output depends on leaf i. A null weight stands for ones.
const char *digits_gradients(const at::Tensor *const *outputs, const at::Tensor *const *weights, size_t count,
                             const at::Tensor *const *leaves, size_t wanted, bool keep_graph,
                             at::Tensor **gradients) noexcept {
  return caught([&] {
    torch::autograd::edge_list roots, ends;
    torch::autograd::variable_list grads;
    for (size_t i = 0; i < count; ++i) {
      roots.push_back(torch::autograd::impl::gradient_edge(*outputs[i]));
      grads.push_back(weights[i] == nullptr ? at::ones_like(*outputs[i]) : *weights[i]);
    }
    for (size_t i = 0; i < wanted; ++i) {
      ends.push_back(torch::autograd::impl::gradient_edge(*leaves[i]));
    }
    auto &engine = torch::autograd::Engine::get_default_engine();
    auto found = engine.execute(roots, grads, keep_graph, /*create_graph=*/false, /*accumulate_grad=*/false, ends);
    for (size_t i = 0; i < wanted; ++i) {
      gradients[i] = given(std::move(found[i]));
    }
  });
}

// By input, weight and bias, each where it is wanted. `window`: stride, padding, dilation, each of `dims` numbers.
const char *digits_convolution_gradients(const at::Tensor *grad, const at::Tensor *input, const at::Tensor *weight,
                                         const int64_t *window, size_t dims, int64_t groups, const bool *wanted,
                                         at::Tensor **gradients) noexcept {
  return caught([&] {
    const auto part = [&](size_t i) { return at::IntArrayRef(window + i * dims, dims); };
    const std::vector<int64_t> at_ends(dims, 0);
    auto [by_input, by_weight, by_bias] = at::convolution_backward(
        *grad, *input, *weight, at::IntArrayRef({weight->size(0)}), part(0), part(1), part(2), /*transposed=*/false,
        at_ends, groups, {wanted[0], wanted[1], wanted[2]});
    gradients[0] = given(std::move(by_input));
    gradients[1] = given(std::move(by_weight));
    gradients[2] = given(std::move(by_bias));
  });
}
}
