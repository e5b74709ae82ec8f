// The two places that every call of libtorch comes by. See guard.rs.
#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#ifdef __linux__
#include <sys/mman.h>
#include <unistd.h>
#endif

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

// How far the system was asked to keep the heap in large pages; the end of the memory where it is not to be asked.
std::atomic<uintptr_t> asked = UINTPTR_MAX;

// Asks for the rest of the heap, when this block lies there.
void ask_for_large_pages(const void *block) {
#ifdef __linux__
  const auto at = reinterpret_cast<uintptr_t>(block);
  auto from = asked.load(std::memory_order_relaxed);
  if (C10_LIKELY(at < from)) {
    return;
  }
  const auto end = reinterpret_cast<uintptr_t>(sbrk(0));
  if (at < end && asked.compare_exchange_strong(from, end)) {
    const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    const auto start = (from + page - 1) / page * page;
    madvise(reinterpret_cast<void *>(start), end - start, MADV_HUGEPAGE);
  }
#endif
}

// libtorch's own allocator, asked about large blocks first.
struct Measured final : at::Allocator {
  at::Allocator *own;

  explicit Measured(at::Allocator *own) : own(own) {}

  at::DataPtr allocate(size_t bytes) override {
    if (C10_UNLIKELY(bytes >= large) && !may_take(bytes)) {
      TORCH_CHECK(false, "it does not fit into the tensor memory: ", bytes, " bytes");
    }
    auto block = own->allocate(bytes);
    ask_for_large_pages(block.get());
    return block;
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

// From now on the heap is asked for in large pages wherever it grows; a refusal changes nothing.
extern "C" void digits_ask_for_large_pages() noexcept {
#ifdef __linux__
  asked = reinterpret_cast<uintptr_t>(sbrk(0));
#endif
}
