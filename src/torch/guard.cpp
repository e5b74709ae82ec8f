// The two places that every call of libtorch comes by. See guard.rs.
#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>

#include <cstddef>

// tch frees a Scalar between a call and the reading of its error, and panics when it finds one there. The linker puts these
// two in the place of torch-sys's own (`--wrap`, see build.rs): the question that follows a freed Scalar finds nothing, and
// the error waits for the call's own question.
extern "C" {
void __real_ats_free(void *scalar);
char *__real_get_and_reset_last_err();

static thread_local bool scalar_was_freed = false;

void __wrap_ats_free(void *scalar) {
  __real_ats_free(scalar);
  scalar_was_freed = true;
}

char *__wrap_get_and_reset_last_err() {
  if (scalar_was_freed) {
    scalar_was_freed = false;
    return nullptr;
  }
  return __real_get_and_reset_last_err();
}
}

namespace {

bool (*may_take)(size_t) = nullptr;
size_t large = 0;

// libtorch's own allocator, asked about large blocks first.
struct Measured final : at::Allocator {
  at::Allocator *own;

  explicit Measured(at::Allocator *own) : own(own) {}

  at::DataPtr allocate(size_t bytes) override {
    if (C10_UNLIKELY(bytes >= large) && !may_take(bytes)) {
      TORCH_CHECK(false, "it does not fit into the tensor memory: ", bytes, " bytes");
    }
    return own->allocate(bytes);
  }

  at::DeleterFnPtr raw_deleter() const override { return own->raw_deleter(); }

  void copy_data(void *to, const void *from, size_t bytes) const override { own->copy_data(to, from, bytes); }
};

}  // namespace

// From now on blocks of at least `least` bytes are asked about.
extern "C" void digits_measure_allocations(bool (*ask)(size_t), size_t least) noexcept {
  may_take = ask;
  large = least;
  static Measured measured(c10::GetCPUAllocator());
  c10::SetCPUAllocator(&measured, /*priority=*/100);
}
