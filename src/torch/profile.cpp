// What a device and libtorch do in a while: libtorch's own profiler, events of a device, its allocator's peak. See profile.rs.
#include <ATen/record_function.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/Event.h>
#include <caught.h>
#include <torch/csrc/autograd/profiler_kineto.h>

#include <atomic>
#include <memory>
#include <set>
#include <string>

// From which severity on the profiler's own messages go to standard error; it has no other setting than an environment variable.
extern std::atomic<int> kineto_severity __asm__("_ZN9libkineto6Logger14severityLevel_E") __attribute__((weak));

namespace {

namespace profiler = torch::profiler::impl;
using digits::caught;

// The numbers of libkineto::ActivityType, under the names that its trace files have.
const char *category(uint8_t kind) {
  switch (kind) {
    case 0: return "cpu_op";
    case 1: return "user_annotation";
    case 2: return "gpu_user_annotation";
    case 3: return "gpu_memcpy";
    case 4: return "gpu_memset";
    case 5: return "kernel";
    case 7: return "cuda_runtime";
    case 8: return "cuda_driver";
    default: return "other";
  }
}

}  // namespace

extern "C" {

// Begins to write down what this thread asks of libtorch, and what CUDA devices do.
const char *digits_profile_begin(bool cuda) noexcept {
  return caught([&] {
    const profiler::ProfilerConfig config(profiler::ProfilerState::KINETO);
    std::set<profiler::ActivityType> wanted{profiler::ActivityType::CPU};
    if (cuda) {
      wanted.insert(profiler::ActivityType::CUDA);
    }
    torch::autograd::profiler::prepareProfiler(config, wanted);
    if (&kineto_severity != nullptr) {
      kineto_severity = 99;
    }
    torch::autograd::profiler::enableProfiler(
        config, wanted,
        {at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION, at::RecordScope::USER_SCOPE});
  });
}

// Ends it, and hands each event to `take`: name, category, begin and length in nanoseconds, thread or stream, and the number
// that a kernel shares with the call that launched it.
const char *digits_profile_end(void (*take)(void *, const char *, const char *, uint64_t, uint64_t, int64_t, uint64_t),
                               void *taker) noexcept {
  return caught([&] {
    const auto result = torch::autograd::profiler::disableProfiler();
    for (const auto &event : result->events()) {
      const std::string name = event.name();
      take(taker, name.c_str(), category(event.activityType()), event.startNs(), event.durationNs(),
           event.deviceResourceId(), event.correlationId());
    }
  });
}

// A stretch of this thread's time under a name, in the profile; null where none is made.
void *digits_profile_mark(const char *name) noexcept {
  at::RecordFunction *mark = nullptr;
  caught([&] {
    auto made = std::make_unique<at::RecordFunction>(at::RecordScope::USER_SCOPE);
    if (made->isActive()) {
      made->before(std::string(name));
      mark = made.release();
    }
  });
  return mark;
}

void digits_profile_unmark(void *mark) noexcept {
  caught([&] { delete static_cast<at::RecordFunction *>(mark); });
}

// A moment in what a CUDA device has been given to do on this thread's stream.
const char *digits_moment(int device, void **made) noexcept {
  return caught([&] {
    const c10::Device place(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(device));
    auto event = std::make_unique<c10::Event>(place.type(), c10::EventFlag::BACKEND_DEFAULT);
    event->record(c10::impl::VirtualGuardImpl(place.type()).getStream(place));
    *made = event.release();
  });
}

// Milliseconds of the device between two moments; waits for the later one.
const char *digits_moments_apart(void *earlier, void *later, double *milliseconds) noexcept {
  return caught([&] {
    auto &end = *static_cast<c10::Event *>(later);
    end.synchronize();
    *milliseconds = static_cast<c10::Event *>(earlier)->elapsedTime(end);
  });
}

void digits_moment_free(void *moment) noexcept {
  caught([&] { delete static_cast<c10::Event *>(moment); });
}

// Waits until a CUDA device has done everything.
const char *digits_wait(int device) noexcept {
  return caught([&] {
    c10::impl::VirtualGuardImpl(c10::DeviceType::CUDA).synchronizeDevice(static_cast<c10::DeviceIndex>(device));
  });
}

// The most bytes that libtorch has held at a time on a CUDA device: handed out, and with those kept for later.
const char *digits_peak_memory(int device, uint64_t *handed_out, uint64_t *reserved) noexcept {
  return caught([&] {
    const auto stats =
        c10::getDeviceAllocator(c10::DeviceType::CUDA)->getDeviceStats(static_cast<c10::DeviceIndex>(device));
    const auto all = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    *handed_out = static_cast<uint64_t>(stats.allocated_bytes[all].peak);
    *reserved = static_cast<uint64_t>(stats.reserved_bytes[all].peak);
  });
}
}
