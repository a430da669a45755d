// cuda_sm90_on_host: what cuda/ptx_sm90.cuh and cuda/probe_sm90.cu use beyond cuda_runtime_on_host.h: the twins of
// sm_90a's instructions (sm90.cpp) and the driver's tensor maps (tensor_map.cpp). Numbers and meanings are CUDA's.
#pragma once

#include <cstdint>

#include "cuda_runtime_on_host.h"

#define __grid_constant__

using cuuint32_t = uint32_t;
using cuuint64_t = uint64_t;
enum CUresult { CUDA_SUCCESS = 0, CUDA_ERROR_INVALID_VALUE = 1 };
enum CUtensorMapDataType { CU_TENSOR_MAP_DATA_TYPE_BFLOAT16 = 9 };
enum CUtensorMapInterleave { CU_TENSOR_MAP_INTERLEAVE_NONE = 0 };
enum CUtensorMapSwizzle {
    CU_TENSOR_MAP_SWIZZLE_NONE = 0,
    CU_TENSOR_MAP_SWIZZLE_32B = 1,
    CU_TENSOR_MAP_SWIZZLE_64B = 2,
    CU_TENSOR_MAP_SWIZZLE_128B = 3
};
enum CUtensorMapL2promotion { CU_TENSOR_MAP_L2_PROMOTION_NONE = 0 };
enum CUtensorMapFloatOOBfill { CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE = 0 };
struct alignas(128) CUtensorMap {
    cuuint64_t opaque[16];
};
CUresult cuTensorMapEncodeTiled(CUtensorMap* map, CUtensorMapDataType type, cuuint32_t rank, void* memory,
                                const cuuint64_t* sizes, const cuuint64_t* strides, const cuuint32_t* box,
                                const cuuint32_t* steps, CUtensorMapInterleave interleave, CUtensorMapSwizzle swizzle,
                                CUtensorMapL2promotion promotion, CUtensorMapFloatOOBfill fill);

enum cudaDriverEntryPointQueryResult { cudaDriverEntryPointSuccess = 0, cudaDriverEntryPointSymbolNotFound = 1 };
constexpr unsigned long long cudaEnableDefault = 0;
cudaError_t cudaGetDriverEntryPointByVersion(const char* symbol, void** function, unsigned version,
                                             unsigned long long flags, cudaDriverEntryPointQueryResult* result);

#pragma GCC visibility push(hidden)
namespace sn9::host {

// See cuda/ptx_sm90.cuh.
uint32_t shared_address(const void* shared);
void fence_proxy_async();
void wgmma_fence();
void wgmma_bf16_m64n64k16(float* d, uint64_t a, uint64_t b);
void wgmma_commit();
void wgmma_wait(int pending);
void mbarrier_init(uint64_t* barrier, uint32_t arrivals);
void mbarrier_arrive_expect(uint64_t* barrier, uint32_t bytes);
void mbarrier_wait(uint64_t* barrier, uint32_t parity);
void copy_box_2d(void* shared, const CUtensorMap* map, int x, int y, uint64_t* barrier);

}  // namespace sn9::host
#pragma GCC visibility pop
