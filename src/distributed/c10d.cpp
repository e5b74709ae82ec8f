// libtorch's c10d, which neither tch nor torch-sys wraps: a store that processes meet at, and a group of them. See c10d.rs.
#define USE_C10D_GLOO
#include <c10/util/Logging.h>
#include <c10/util/env.h>
#include <caught.h>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <torch/headeronly/version.h>

#include <chrono>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using digits::caught;
using Milliseconds = std::chrono::milliseconds;

struct DigitsStore {
  c10::intrusive_ptr<c10d::TCPStore> store;
};

struct DigitsGroup {
  c10::intrusive_ptr<c10d::Backend> group;
  // Zero for gloo, which waits by itself.
  Milliseconds patience{0};
};

// The constructors of c10d::ProcessGroupNCCL::Options and c10d::ProcessGroupNCCL, as functions: they are in libtorch_cuda.so,
// to which this program is not linked, and their headers want CUDA's.
using MakeOptions = void (*)(void *place, bool is_high_priority);
using MakeGroup = void (*)(void *place, c10::intrusive_ptr<c10d::Store> store, int rank, int size,
                           c10::intrusive_ptr<c10d::Backend::Options> options);

// Room for either of them: 248 and 1112 bytes in libtorch 2.11.
constexpr size_t kRoom = 8192;

// An object that `make` constructs, as its own `new` would have made it: its destructor frees it.
template <typename Object, typename Make>
c10::intrusive_ptr<Object> made(Make &&make) {
  std::unique_ptr<void, void (*)(void *)> place(::operator new(kRoom), [](void *room) { ::operator delete(room); });
  make(place.get());
  return c10::intrusive_ptr<Object>::unsafe_steal_from_new(static_cast<Object *>(place.release()));
}

// Waits for work on devices, which has an end only when every rank takes part.
void finish(c10d::Work &work, Milliseconds patience) {
  using Clock = std::chrono::steady_clock;
  const auto begun = Clock::now();
  while (!work.isCompleted()) {
    const auto spent = Clock::now() - begun;
    if (spent > patience) {
      work.abort();
      throw std::runtime_error("Timed out waiting " + std::to_string(patience.count()) + "ms for a sum between devices");
    }
    if (spent < Milliseconds(2)) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  }
  // What went wrong is thrown here.
  work.wait();
}

}  // namespace

extern "C" {

// A store: its server, or a client of it. Port 0 takes a free one; `port` gets the one it has.
const char *digits_store_open(const char *host, uint16_t *port, bool serves, int64_t timeout, DigitsStore **out) noexcept {
  return caught([&] {
    // c10d writes warnings to standard error: what went wrong comes back as an exception.
    FLAGS_caffe2_log_level = 3;
    c10d::TCPStoreOptions options;
    options.port = *port;
    options.isServer = serves;
    options.waitWorkers = false;
    options.multiTenant = true;
    // Who serves may go on inside the fence, which refuses io_uring: libuv's loop would end the process there.
    options.useLibUV = !serves;
    options.timeout = Milliseconds(timeout);
    auto store = c10::make_intrusive<c10d::TCPStore>(std::string(host), options);
    *port = store->getPort();
    *out = new DigitsStore{std::move(store)};
  });
}

const char *digits_store_set(DigitsStore *store, const char *key, const uint8_t *bytes, size_t count) noexcept {
  return caught([&] { store->store->set(std::string(key), std::vector<uint8_t>(bytes, bytes + count)); });
}

// The value of a key, handed to `take`; nothing when it has none: this never waits for one.
const char *digits_store_get(DigitsStore *store, const char *key, void (*take)(void *, const uint8_t *, size_t),
                             void *taker) noexcept {
  return caught([&] {
    if (!store->store->check({std::string(key)})) {
      return;
    }
    const auto value = store->store->get(std::string(key));
    take(taker, value.data(), value.size());
  });
}

void digits_store_close(DigitsStore *store) noexcept {
  caught([&] { delete store; });
}

// Connects to every other rank; `address` is this process's own, as the others reach it; null: that of the interface
// `interface`.
const char *digits_group_open(DigitsStore *store, const char *prefix, int rank, int size, const char *address,
                              const char *interface, int64_t meeting, int64_t timeout, DigitsGroup **out) noexcept {
  return caught([&] {
    auto options = c10d::ProcessGroupGloo::Options::create(Milliseconds(meeting));
    options->devices.push_back(address != nullptr
                                   ? c10d::ProcessGroupGloo::createDeviceForHostname(std::string(address))
                                   : c10d::ProcessGroupGloo::createDeviceForInterface(std::string(interface)));
    auto own = c10::make_intrusive<c10d::PrefixStore>(std::string(prefix), store->store);
    c10::intrusive_ptr<c10d::Backend> group =
        c10::make_intrusive<c10d::ProcessGroupGloo>(std::move(own), rank, size, std::move(options));
    // A collective's own timeout is that of its options; the meeting may take longer.
    group->barrier()->wait();
    group->setTimeout(Milliseconds(timeout));
    *out = new DigitsGroup{std::move(group)};
  });
}

// The libtorch that this was compiled for.
const char *digits_c10d_built_for() noexcept { return TORCH_VERSION; }

// Connects the devices of all ranks by NCCL: a first sum, of ones on this rank's `device`, tells that it works.
const char *digits_devices_open(DigitsStore *store, const char *prefix, int rank, int size, int device, int64_t meeting,
                                int64_t timeout, MakeOptions make_options, MakeGroup make_group,
                                DigitsGroup **out) noexcept {
  return caught([&] {
    // Waiting is done here: without this a thread of libtorch's ends the process when a sum takes too long.
    c10::utils::set_env("TORCH_NCCL_BLOCKING_WAIT", "1");
    // All connections now: the process will not be allowed to make more.
    c10::utils::set_env("NCCL_RUNTIME_CONNECT", "0", false);
    auto options = made<c10d::Backend::Options>([&](void *place) { make_options(place, false); });
    options->timeout = Milliseconds(timeout);
    auto own = c10::make_intrusive<c10d::PrefixStore>(std::string(prefix), store->store);
    auto group = made<c10d::Backend>([&](void *place) { make_group(place, own, rank, size, options); });
    // Never freed: see `digits_group_close`.
    auto *opened = new DigitsGroup{std::move(group), Milliseconds(meeting)};
    std::vector<at::Tensor> ones{at::ones({1}, at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(device)))};
    finish(*opened->group->allreduce(ones), opened->patience);
    TORCH_CHECK(ones[0].item<float>() == static_cast<float>(size), "a sum of ones is ", ones[0].item<float>());
    opened->patience = Milliseconds(timeout);
    *out = opened;
  });
}

// The sum over all ranks, in place.
const char *digits_group_sum(DigitsGroup *group, at::Tensor *tensor) noexcept {
  return caught([&] {
    std::vector<at::Tensor> tensors{*tensor};
    const auto work = group->group->allreduce(tensors);
    if (group->patience.count() == 0) {
      work->wait();
    } else {
      finish(*work, group->patience);
    }
  });
}

// The tensor of rank `root` for all, in place.
const char *digits_group_broadcast(DigitsGroup *group, at::Tensor *tensor, int64_t root) noexcept {
  return caught([&] {
    std::vector<at::Tensor> tensors{*tensor};
    c10d::BroadcastOptions options;
    options.rootRank = root;
    group->group->broadcast(tensors, options)->wait();
  });
}

void digits_group_close(DigitsGroup *group) noexcept {
  // NCCL's is left to the end of the process: its destructor may wait for ranks that are gone.
  if (group->patience.count() == 0) {
    caught([&] { delete group; });
  }
}
}
