// Rows of a matrix by their numbers, in loops that take less than libtorch needs to begin. See rows.rs, which has checked
// places, sizes and types: plain memory of the processor, float or double.
#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace {

template <typename From> void whole(const at::Tensor &from, int64_t *numbers, size_t count) {
  const auto *values = from.const_data_ptr<From>();
  for (size_t i = 0; i < count; ++i) {
    numbers[i] = static_cast<int64_t>(values[i]);
  }
}

template <typename Number>
void add(const at::Tensor &sum, const at::Tensor &from, const int64_t *rows, size_t count, double v) {
  const auto width = static_cast<size_t>(sum.size(1));
  const auto factor = static_cast<Number>(v);
  auto *into = sum.mutable_data_ptr<Number>();
  const auto *values = from.const_data_ptr<Number>();
  for (size_t i = 0; i < count; ++i) {
    auto *row = into + static_cast<size_t>(rows[i]) * width;
    const auto *other = values + i * width;
    for (size_t k = 0; k < width; ++k) {
      row[k] += factor * other[k];
    }
  }
}

template <typename Number> void mark(const at::Tensor &out, const int64_t *places, size_t count, double v) {
  const auto width = static_cast<size_t>(out.size(1));
  auto *values = out.mutable_data_ptr<Number>();
  std::memset(values, 0, count * width * sizeof(Number));
  for (size_t i = 0; i < count; ++i) {
    values[i * width + static_cast<size_t>(places[i])] = static_cast<Number>(v);
  }
}

bool is_double(const at::Tensor &tensor) { return tensor.scalar_type() == at::kDouble; }

}  // namespace

extern "C" {
// False where the elements are of another type, or not one behind the other.
bool digits_whole_numbers(const at::Tensor *from, int64_t *numbers, size_t count) noexcept {
  if (!from->is_cpu() || !from->is_contiguous() || static_cast<size_t>(from->numel()) != count) {
    return false;
  }
  switch (from->scalar_type()) {
    case at::kFloat:
      whole<float>(*from, numbers, count);
      return true;
    case at::kDouble:
      whole<double>(*from, numbers, count);
      return true;
    case at::kLong:
      whole<int64_t>(*from, numbers, count);
      return true;
    default:
      return false;
  }
}

bool digits_is_plain(const at::Tensor *tensor) noexcept {
  const auto type = tensor->scalar_type();
  return tensor->is_cpu() && tensor->is_contiguous() && (type == at::kFloat || type == at::kDouble);
}

void digits_take_rows(const at::Tensor *out, const at::Tensor *from, const int64_t *rows, size_t count) noexcept {
  const auto bytes = static_cast<size_t>(from->size(1)) * from->element_size();
  auto *into = static_cast<char *>(out->mutable_data_ptr());
  const auto *values = static_cast<const char *>(from->const_data_ptr());
  for (size_t i = 0; i < count; ++i) {
    std::memcpy(into + i * bytes, values + static_cast<size_t>(rows[i]) * bytes, bytes);
  }
}

void digits_add_rows(const at::Tensor *sum, const at::Tensor *from, const int64_t *rows, size_t count,
                     double v) noexcept {
  is_double(*sum) ? add<double>(*sum, *from, rows, count, v) : add<float>(*sum, *from, rows, count, v);
}

void digits_mark(const at::Tensor *out, const int64_t *places, size_t count, double v) noexcept {
  is_double(*out) ? mark<double>(*out, places, count, v) : mark<float>(*out, places, count, v);
}
}
