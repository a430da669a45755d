// cast: element types to one another; fill, scale_add and the search for numbers that are not finite.
// bytes: n * (bytes in + bytes out). Memory bound, in fixed chunks over threads.
#include "convert.h"
#include "finite.h"
#include "kernels.h"
#include "simd.h"

namespace sn9::SN9_ISA {

namespace {

constexpr int64_t kChunk = 1 << 14;

// function(begin, end) over fixed chunks of n elements on all threads.
template <typename Function>
void for_chunks(const sn9_context& context, int64_t n, Function function) {
#pragma omp parallel for num_threads(context.threads) schedule(static)
    for (int64_t i = 0; i < n; i += kChunk) function(i, i + kChunk < n ? i + kChunk : n);
}

}  // namespace

void cast(const sn9_context& context, void* to, int32_t to_type, const void* from, int32_t from_type, int64_t n) {
    for_chunks(context, n, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) {
            float value = element_as_float(from, from_type, i);
            if (to_type == SN9_BF16)
                static_cast<uint16_t*>(to)[i] = float_as_bf16(value);
            else if (to_type == SN9_F16)
                static_cast<uint16_t*>(to)[i] = float_as_f16(value);
            else
                static_cast<float*>(to)[i] = value;
        }
    });
}

void fill(const sn9_context& context, float* to, float value, int64_t n) {
    for_chunks(context, n, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) to[i] = value;
    });
}

void scale_add(const sn9_context& context, float* to, const float* from, float scale, int64_t n) {
    for_chunks(context, n, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) to[i] += scale * from[i];
    });
}

int64_t first_not_finite(const sn9_context& context, const void* from, int32_t type, int64_t n) {
    int64_t first = -1;
    for_chunks(context, n, [&](int64_t begin, int64_t end) {
        int64_t i = find_not_finite(from, type, begin, end);
        if (i < 0) return;
#pragma omp critical(sn9_first_not_finite)
        if (first < 0 || i < first) first = i;
    });
    return first;
}

}  // namespace sn9::SN9_ISA
