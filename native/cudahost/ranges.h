// ranges: the names that a profiler would be given (cuda/range.cuh), kept per thread for tests, which read them through
//   const char* sn9_host_ranges();
// what the calling thread has pushed and popped since it last asked: "+name" and "-name", with spaces between; a pop
// without a push is "-?". Valid until the next call. Past a megabyte that nobody asks for, it starts over.
#pragma once

namespace sn9::host {

void push_range(const char* name);
void pop_range();

}  // namespace sn9::host
