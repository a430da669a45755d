// range: names in a profiler's timeline (NVTX), from push to pop; nothing but a branch without a profiler. The host
// build keeps them for tests (native/cudahost/ranges.h).
//
//   SN9_OP_RANGE;   first in every function sn9_<op>: a range called <op>, until it returns, also with an error
#pragma once

#if !defined(SN9_CUDA_HOST)
#include <nvtx3/nvToolsExt.h>
#elif !defined(SN9_PLAN)
#include "ranges.h"
#endif

#define SN9_OP_RANGE ::sn9::OpRange sn9_op_range(__func__)

namespace sn9 {

inline void push_range([[maybe_unused]] const char* name) {
#if !defined(SN9_CUDA_HOST)
    nvtxRangePushA(name);
#elif !defined(SN9_PLAN)
    host::push_range(name);
#endif
}

inline void pop_range() {
#if !defined(SN9_CUDA_HOST)
    nvtxRangePop();
#elif !defined(SN9_PLAN)
    host::pop_range();
#endif
}

class OpRange {
  public:
    explicit OpRange(const char* function) { push_range(function + sizeof "sn9_" - 1); }
    ~OpRange() { pop_range(); }
    OpRange(const OpRange&) = delete;
    OpRange& operator=(const OpRange&) = delete;
};

}  // namespace sn9
