// How exactly CUDA devices compute. See precision.rs.
#include <ATen/Context.h>

#include <exception>
#include <string>

// Null, or what went wrong: text that is good until this thread's next call.
extern "C" const char *digits_set_precision(bool tf32) noexcept {
  thread_local std::string wrong;
  try {
    auto &context = at::globalContext();
    context.setAllowTF32CuBLAS(tf32);
    context.setAllowTF32CuDNN(tf32);
    context.setDeterministicCuDNN(true);
    return nullptr;
  } catch (const std::exception &error) {
    wrong = error.what();
    return wrong.c_str();
  }
}

// Bits: matrix products may round to TF32, convolutions may, convolutions are deterministic.
extern "C" int digits_precision() noexcept {
  try {
    auto &context = at::globalContext();
    return (context.allowTF32CuBLAS() ? 1 : 0) | (context.allowTF32CuDNN(at::Float32Op::CONV) ? 2 : 0) |
           (context.deterministicCuDNN() ? 4 : 0);
  } catch (const std::exception &) {
    return -1;
  }
}
