// How every C++ file of ours ends a call: no exception crosses into Rust, its words do (said.rs).
#pragma once

#include <c10/util/Exception.h>

#include <exception>
#include <string>

namespace digits {

// Null, or what went wrong: text that is good until this thread's next call.
template <typename Work> const char *caught(Work &&work) noexcept {
  thread_local std::string wrong;
  try {
    work();
    return nullptr;
  } catch (const c10::Error &error) {
    wrong = error.what_without_backtrace();
  } catch (const std::exception &error) {
    wrong = error.what();
  } catch (...) {
    wrong = "an exception of another kind";
  }
  return wrong.c_str();
}

}  // namespace digits
