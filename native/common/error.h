// error: status codes with a message per thread, so that nothing is thrown, printed or exited across the C ABI.
#pragma once

#include <cstdint>

namespace sn9 {

// Keeps a printf-style message for this thread's sn9_last_error() and returns the status, to be returned in turn.
[[gnu::format(printf, 2, 3)]] int32_t fail(int32_t status, const char* format, ...);

}  // namespace sn9
