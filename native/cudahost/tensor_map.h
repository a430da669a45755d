// tensor_map: what the host build keeps in the 128 opaque bytes of a tensor map. Two dimensions, bf16.
#pragma once

#include "cuda_sm90_on_host.h"

namespace sn9::host {

struct TensorMap {
    uint64_t mark;  // kTensorMapMark
    const char* memory;
    int64_t columns, rows, stride;  // elements, rows, bytes from row to row
    int box_columns, box_rows;
    CUtensorMapSwizzle swizzle;
};
static_assert(sizeof(TensorMap) <= sizeof(CUtensorMap), "a map has 128 bytes");
constexpr uint64_t kTensorMapMark = 0x534E3954454E534Fu;

// A box on its way to shared memory, and the barrier that counts its bytes.
struct BulkCopy {
    TensorMap map;
    char* shared;
    uint64_t* barrier;
    int x, y;
};

}  // namespace sn9::host
