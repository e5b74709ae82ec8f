// Lua's numbers as text. Lua 5.1 writes them by C's sprintf, which shows the sign that a processor gave its NaN: 0/0 is "-nan" on
// x86. In LuaJIT, in which Torch7's scripts were written, every NaN is "nan". The linker puts this in the place of the sprintf that
// C code of this program calls (`--wrap`, see build.rs).
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <limits>

extern "C" int __real_sprintf(char *to, const char *format, ...);

extern "C" int __wrap_sprintf(char *to, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int written = -1;
  const size_t length = std::strlen(format);
  // One conversion of a double, as Lua's formats are, with nothing around it.
  if (length >= 2 && format[0] == '%' && std::strchr("eEfgG", format[length - 1]) != nullptr &&
      std::strpbrk(format + 1, "%*L") == nullptr) {
    va_list first;
    va_copy(first, arguments);
    if (std::isnan(va_arg(first, double))) written = __real_sprintf(to, format, std::numeric_limits<double>::quiet_NaN());
    va_end(first);
  }
  if (written < 0) written = std::vsprintf(to, format, arguments);
  va_end(arguments);
  return written;
}
