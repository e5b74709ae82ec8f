// libtorch's c10d, which neither tch nor torch-sys wraps: a store that processes meet at, and a group of them. See c10d.rs.
#define USE_C10D_GLOO
#include <c10/util/Logging.h>
#include <caught.h>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <chrono>
#include <cstring>
#include <string>
#include <vector>

namespace {

using digits::caught;
using Milliseconds = std::chrono::milliseconds;

struct DigitsStore {
  c10::intrusive_ptr<c10d::TCPStore> store;
};

struct DigitsGroup {
  c10::intrusive_ptr<c10d::Backend> group;
};

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

// The sum over all ranks, in place.
const char *digits_group_sum(DigitsGroup *group, at::Tensor *tensor) noexcept {
  return caught([&] {
    std::vector<at::Tensor> tensors{*tensor};
    group->group->allreduce(tensors)->wait();
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
  caught([&] { delete group; });
}
}
