// scheduler: runs the blocks of one launch. Not for two host threads at once: runtime.cpp holds the lock.
#pragma once

#include <string>

#include "cuda_runtime_on_host.h"

namespace sn9::host {

// Runs the launch to its end. allowed: dynamic shared memory the kernel was allowed by its attribute. Returns what
// went wrong, or nothing.
std::string run(const Launch& launch, size_t allowed);

}  // namespace sn9::host
