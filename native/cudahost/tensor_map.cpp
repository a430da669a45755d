// tensor_map: cuTensorMapEncodeTiled and the way to it, with the limits that the driver API's documentation states.
#include "tensor_map.h"

#include <cstring>

using namespace sn9::host;

CUresult cuTensorMapEncodeTiled(CUtensorMap* map, CUtensorMapDataType type, cuuint32_t rank, void* memory,
                                const cuuint64_t* sizes, const cuuint64_t* strides, const cuuint32_t* box,
                                const cuuint32_t* steps, CUtensorMapInterleave, CUtensorMapSwizzle swizzle,
                                CUtensorMapL2promotion, CUtensorMapFloatOOBfill) {
    constexpr cuuint64_t kMostSize = cuuint64_t{1} << 32, kMostStride = cuuint64_t{1} << 40;
    constexpr cuuint32_t kMostBox = 256, kElement = 2;
    if (!map || reinterpret_cast<uintptr_t>(map) % 64 || type != CU_TENSOR_MAP_DATA_TYPE_BFLOAT16 || rank != 2 ||
        reinterpret_cast<uintptr_t>(memory) % 16)
        return CUDA_ERROR_INVALID_VALUE;
    for (int i = 0; i < 2; i++)
        if (sizes[i] < 1 || sizes[i] > kMostSize || box[i] < 1 || box[i] > kMostBox || steps[i] != 1)
            return CUDA_ERROR_INVALID_VALUE;
    if (strides[0] % 16 || strides[0] >= kMostStride || strides[0] < sizes[0] * kElement)
        return CUDA_ERROR_INVALID_VALUE;
    if (box[0] * kElement % 16) return CUDA_ERROR_INVALID_VALUE;
    if (swizzle != CU_TENSOR_MAP_SWIZZLE_NONE && box[0] * kElement > 16u << swizzle) return CUDA_ERROR_INVALID_VALUE;
    TensorMap made{kTensorMapMark,
                   static_cast<const char*>(memory),
                   static_cast<int64_t>(sizes[0]),
                   static_cast<int64_t>(sizes[1]),
                   static_cast<int64_t>(strides[0]),
                   static_cast<int>(box[0]),
                   static_cast<int>(box[1]),
                   swizzle};
    *map = {};
    memcpy(map, &made, sizeof made);
    return CUDA_SUCCESS;
}

cudaError_t cudaGetDriverEntryPointByVersion(const char* symbol, void** function, unsigned, unsigned long long,
                                             cudaDriverEntryPointQueryResult* result) {
    bool known = !strcmp(symbol, "cuTensorMapEncodeTiled");
    *function = known ? reinterpret_cast<void*>(&cuTensorMapEncodeTiled) : nullptr;
    if (result) *result = known ? cudaDriverEntryPointSuccess : cudaDriverEntryPointSymbolNotFound;
    return cudaSuccess;
}
