// finite: the first element of host memory that is NaN or infinite; with internal linkage, since the CPU library
// compiles it once per instruction set.
#pragma once

#include <cstdint>
#include <cstring>

#include "sn9_ops.h"

namespace {

// Whether all exponent bits of an element are set: NaN or infinite. The array need not be aligned.
inline bool not_finite(const void* from, int32_t type, int64_t i) {
    const char* p = static_cast<const char*>(from);
    if (type == SN9_F64) {
        uint64_t bits;
        memcpy(&bits, p + i * 8, 8);
        return (bits >> 52 & 0x7ff) == 0x7ff;
    }
    if (type == SN9_F32) {
        uint32_t bits;
        memcpy(&bits, p + i * 4, 4);
        return (bits & 0x7f800000) == 0x7f800000;
    }
    uint16_t bits, exponent = type == SN9_BF16 ? 0x7f80 : 0x7c00;
    memcpy(&bits, p + i * 2, 2);
    return (bits & exponent) == exponent;
}

// The first such element from begin on and before end, or -1.
inline int64_t find_not_finite(const void* from, int32_t type, int64_t begin, int64_t end) {
    constexpr int64_t kChunk = 1 << 14;  // looked over without a branch, so that it becomes vector code
    for (int64_t start = begin; start < end; start += kChunk) {
        int64_t stop = end - start < kChunk ? end : start + kChunk;
        bool any = false;
        for (int64_t i = start; i < stop; i++) any |= not_finite(from, type, i);
        for (int64_t i = start; any && i < stop; i++)
            if (not_finite(from, type, i)) return i;
    }
    return -1;
}

}  // namespace
