// Shorter ways to libtorch for calls from Lua, each of which does little. See direct.rs.
#include <ATen/core/Tensor.h>
#include <c10/core/DispatchKeySet.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <cstddef>
#include <cstdint>

extern "C" {
// The dispatch keys that this thread left out before.
uint64_t digits_enter_below_autograd() noexcept {
  auto keys = c10::impl::tls_local_dispatch_key_set();
  const auto before = keys.excluded_;
  keys.excluded_ = before | c10::autograd_dispatch_keyset_with_ADInplaceOrView;
  c10::impl::_force_tls_local_dispatch_key_set(keys);
  return before.raw_repr();
}

void digits_leave_below_autograd(uint64_t before) noexcept {
  auto keys = c10::impl::tls_local_dispatch_key_set();
  keys.excluded_ = c10::DispatchKeySet(c10::DispatchKeySet::RAW, before);
  c10::impl::_force_tls_local_dispatch_key_set(keys);
}

bool digits_are_alike(const at::Tensor *a, const at::Tensor *b) noexcept {
  return a->scalar_type() == b->scalar_type() && a->sizes() == b->sizes();
}

bool digits_is_floating(const at::Tensor *tensor) noexcept { return at::isFloatingType(tensor->scalar_type()); }

// The sizes where there are `count` of them.
bool digits_sizes(const at::Tensor *tensor, int64_t *sizes, size_t count) noexcept {
  const auto all = tensor->sizes();
  if (all.size() != count) {
    return false;
  }
  for (size_t i = 0; i < count; ++i) {
    sizes[i] = all[i];
  }
  return true;
}

uint32_t digits_changes(const at::Tensor *tensor) noexcept { return tensor->_version(); }

void digits_count_change(const at::Tensor *tensor) noexcept { tensor->unsafeGetTensorImpl()->bump_version(); }

// The first byte, and the one behind the last.
void digits_span(const at::Tensor *tensor, uintptr_t *span) noexcept {
  const auto sizes = tensor->sizes(), strides = tensor->strides();
  int64_t last = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    last += sizes[i] > 0 ? (sizes[i] - 1) * strides[i] : 0;
  }
  span[0] = reinterpret_cast<uintptr_t>(tensor->const_data_ptr());
  span[1] = span[0] + (static_cast<size_t>(last) + 1) * tensor->element_size();
}
}
