// Sums with a factor, in place, which tch wraps without the factor. See accumulate.rs.
#include <ATen/core/Tensor.h>
#include <caught.h>

using digits::caught;

extern "C" {
const char *digits_add_scaled(const at::Tensor *x, const at::Tensor *y, double v) noexcept {
  return caught([&] { x->add_(*y, v); });
}

const char *digits_add_product(const at::Tensor *x, const at::Tensor *a, const at::Tensor *b, double v) noexcept {
  return caught([&] { x->addcmul_(*a, *b, v); });
}

const char *digits_add_quotient(const at::Tensor *x, const at::Tensor *a, const at::Tensor *b, double v) noexcept {
  return caught([&] { x->addcdiv_(*a, *b, v); });
}

// x = before·x + v·a·b, by the ranks of all three.
const char *digits_add_matrix_product(const at::Tensor *x, const at::Tensor *a, const at::Tensor *b, double before,
                                      double v) noexcept {
  return caught([&] {
    if (a->dim() == 1) {
      x->addr_(*a, *b, before, v);
    } else if (b->dim() == 1) {
      x->addmv_(*a, *b, before, v);
    } else if (a->dim() == 2) {
      x->addmm_(*a, *b, before, v);
    } else if (x->dim() == 2) {
      x->addbmm_(*a, *b, before, v);
    } else {
      x->baddbmm_(*a, *b, before, v);
    }
  });
}
}
