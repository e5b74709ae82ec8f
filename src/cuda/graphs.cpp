// Graphs of CUDA work through libtorch's own `CUDAGraph`. Built as a library of its own, which is opened beside
// libtorch_cuda.so where there is one (library.rs): the program itself is linked to libtorch's CPU half only.
#include <ATen/Context.h>
#include <ATen/core/CachingHostAllocator.h>
#include <ATen/core/Generator.h>
#include <ATen/cuda/CUDAGraph.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/AutogradState.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>
#include <caught.h>
#include <torch/headeronly/version.h>

#include <memory>
#include <mutex>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

using digits::caught;

// The graph, and what libtorch asks for only after a capture that went well.
struct Graph final : at::cuda::CUDAGraph {
  c10::DeviceIndex device;

  explicit Graph(c10::DeviceIndex device) : device(device) {}
  c10::MempoolId_t pool_id() const { return mempool_id_; }
};

Graph &of(void *graph) { return *static_cast<Graph *>(graph); }

}  // namespace

// The libtorch that this was compiled for: the layout of its graphs is part of it.
EXPORT const char *digits_cuda_built_for() noexcept { return TORCH_VERSION; }

// Bytes that are free on a device.
EXPORT const char *digits_cuda_free_memory(int device, size_t *free) noexcept {
  return caught([&] {
    c10::cuda::set_device(static_cast<c10::DeviceIndex>(device));
    size_t total = 0;
    C10_CUDA_CHECK(cudaMemGetInfo(free, &total));
  });
}

// From now on the calling thread works on a stream of its own: the default one cannot be captured. Backward passes stay on
// the calling thread, too.
EXPORT const char *digits_cuda_begin(int device) noexcept {
  return caught([&] {
    const auto index = static_cast<c10::DeviceIndex>(device);
    c10::cuda::set_device(index);
    // What was begun on the default stream, such as the parameters' first values.
    c10::cuda::device_synchronize();
    c10::cuda::setCurrentCUDAStream(c10::cuda::getStreamFromPool(/*isHighPriority=*/false, index));
    c10::AutogradState::get_tls_state().set_multithreading_enabled(false);
  });
}

// Begins to record what this thread launches, in place of doing it. `made` is set even when that fails, unless it is left
// null: it goes to `digits_cuda_abandon` then.
EXPORT const char *digits_cuda_record(int device, void **made) noexcept {
  return caught([&] {
    c10::cuda::device_synchronize();
    // A graph's memory is a pool of its own, which nothing kept for other uses can serve.
    c10::cuda::CUDACachingAllocator::emptyCache();
    at::getHostAllocator(at::kCUDA)->empty_cache();
    auto graph = std::make_unique<Graph>(static_cast<c10::DeviceIndex>(device));
    auto &begun = *graph;
    *made = graph.release();
    begun.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
  });
}

EXPORT const char *digits_cuda_finish(void *graph) noexcept {
  return caught([&] { of(graph).capture_end(); });
}

// Ends a recording that failed, wherever it did, so that the thread may go on step by step. libtorch's `capture_end` throws
// before it has put back its allocator and its generator; the graph itself is left alone from then on.
EXPORT void digits_cuda_abandon(void *graph) noexcept {
  Graph &begun = of(graph);
  if (caught([&] { begun.capture_end(); }) == nullptr) {
    caught([&] { delete &begun; });
    return;
  }
  caught([&] {
    const cudaStream_t stream = c10::cuda::getCurrentCUDAStream(begun.device);
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    if (cudaStreamIsCapturing(stream, &status) == cudaSuccess && status != cudaStreamCaptureStatusNone) {
      cudaGraph_t left = nullptr;
      cudaStreamEndCapture(stream, &left);
      if (left != nullptr) {
        cudaGraphDestroy(left);
      }
    }
    cudaGetLastError();
  });
  caught([&] { c10::cuda::CUDACachingAllocator::endAllocateToPool(begun.device, begun.pool_id()); });
  caught([&] {
    auto generator = at::globalContext().defaultGenerator(at::Device(at::kCUDA, begun.device));
    const auto fresh = at::detail::getCUDAHooks().getNewGenerator(begun.device);
    const std::lock_guard<std::mutex> lock(generator.mutex());
    generator.graphsafe_set_state(fresh);
  });
}

EXPORT const char *digits_cuda_replay(void *graph) noexcept {
  return caught([&] { of(graph).replay(); });
}

// Gives a finished graph's memory back.
EXPORT const char *digits_cuda_release(void *graph) noexcept {
  return caught([&] {
    const std::unique_ptr<Graph> last(&of(graph));
    c10::cuda::device_synchronize();
  });
}
