// How exactly CUDA devices compute. See precision.rs.
#include <ATen/Context.h>
#include <caught.h>

extern "C" const char *digits_set_precision(bool tf32) noexcept {
  return digits::caught([&] {
    auto &context = at::globalContext();
    context.setAllowTF32CuBLAS(tf32);
    context.setAllowTF32CuDNN(tf32);
    context.setDeterministicCuDNN(true);
  });
}

// Bits: matrix products may round to TF32, convolutions may, convolutions are deterministic.
extern "C" int digits_precision() noexcept {
  int bits = -1;
  digits::caught([&] {
    auto &context = at::globalContext();
    bits = (context.allowTF32CuBLAS() ? 1 : 0) | (context.allowTF32CuDNN(at::Float32Op::CONV) ? 2 : 0) |
           (context.deterministicCuDNN() ? 4 : 0);
  });
  return bits;
}
