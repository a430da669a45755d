// context: what the CUDA library keeps for one engine thread. Opened and freed by device.cu.
#pragma once

#ifdef SN9_CUDA_HOST
#include "cuda_runtime_on_host.h"
#else
#include <cuda_runtime.h>
#endif

#include "sn9_ops.h"

namespace sn9 {

constexpr int kStagingSlots = 2;

struct Cublaslt;  // cublaslt.cu

// A pinned block through which copies from and to pageable host memory go, and the event after its last use.
struct Staging {
    char* memory;
    cudaEvent_t used;
};

}  // namespace sn9

struct sn9_context {
    int device;
    cudaStream_t stream;      // the selected one of streams; never the legacy stream
    cudaStream_t streams[2];  // SN9_STREAM_COMPUTE, SN9_STREAM_LOAD
    int32_t precision;        // SN9_PRECISION_FP32 or SN9_PRECISION_BF16
    bool split;               // f32 products of evaluation run on tensor cores (split.cuh)
    char* workspace;          // device memory, 256-byte aligned
    int64_t workspace_bytes;  // at least sn9_workspace_bytes of the shape in use
    bool capturing;
    int compute_capability;  // 80, 86, 90...
    int multiprocessors;
    int64_t shared_limit;  // dynamic shared memory of a block, opted in
    sn9::Staging staging[sn9::kStagingSlots];
    bool training;            // inside a training pass (sn9_training_pass)
    sn9::Cublaslt* cublaslt;  // null until a training pass asked for it
};
