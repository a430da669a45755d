// launches: what ran of each kernel, so that a check can tell which kernels a run has left out
// (scripts/check-launches.sh). With SN9_HOST_LAUNCHES=FILE every process appends one line per kernel at its exit:
//   OFFSET LAUNCHES BLOCKS GROUPS NAME
// OFFSET: where the kernel lies in its library, as nm prints it, which names the instantiation of a template; BLOCKS:
// the most that ran in one launch; GROUPS: the most groups of cp.async that one thread committed; NAME: the launch's.
#pragma once

#include <cstdint>

#include "cuda_runtime_on_host.h"

namespace sn9::host {

// Counts a launch that ran to its end. Not for two host threads at once.
void count_launch(const Launch& launch, uint64_t blocks, int64_t groups);

}  // namespace sn9::host
