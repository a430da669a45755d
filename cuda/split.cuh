// split: an f32 as the sum of two bf16, for products on tensor cores that keep f32's accuracy (bf16x3).
// high = bf16(x), low = bf16(x - high), both to nearest; the difference is exact. |x - high| <= 2^-8 |x| and
// |x - high - low| <= 2^-17 |x|. A product x y is taken as high high' + high low' + low high': what is left out,
// low low' and the rests, is at most 2^-15 |x y|, and 2^-17 |x y| in the root mean square.
// An infinity becomes NaN, and so does what rounds to one (from 2^128 - 2^119 on): neither gives a finite loss in f32.
// Below 2^-109 the low half loses bits to bf16's smallest number, 2^-133.
#pragma once

#include "common.cuh"

namespace sn9 {

// The halves of two neighbouring numbers, packed as mma takes them.
__device__ __forceinline__ void split_pair(uint32_t& high, uint32_t& low, float first, float second) {
    high = pack_bf16(first, second);
    low = pack_bf16(first - __uint_as_float(high << 16), second - __uint_as_float(high & 0xFFFF0000u));
}

}  // namespace sn9
