// convert: element types to and from f32, one element at a time, with internal linkage (see simd.h).
#pragma once

#include <cstdint>
#include <cstring>

#include "sn9_ops.h"

namespace {

inline float bits_as_float(uint32_t bits) {
    float value;
    memcpy(&value, &bits, 4);
    return value;
}
inline uint32_t float_as_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    return bits;
}

inline float bf16_as_float(uint16_t half) {
    return bits_as_float(static_cast<uint32_t>(half) << 16);
}

// To nearest, ties to even; NaN stays a (quiet) NaN.
inline uint16_t float_as_bf16(float value) {
    uint32_t bits = float_as_bits(value);
    if ((bits & 0x7fffffff) > 0x7f800000) return static_cast<uint16_t>(bits >> 16 | 0x40);
    return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

inline float f16_as_float(uint16_t half) {
    uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 0x3ff;
    if (exponent == 31) return bits_as_float(sign | 0x7f800000 | fraction << 13);
    if (exponent == 0) {  // zero or subnormal: fraction * 2^-24 is exact
        float magnitude = static_cast<float>(fraction) * 5.9604644775390625e-8f;
        return bits_as_float(sign | float_as_bits(magnitude));
    }
    return bits_as_float(sign | (exponent + 112) << 23 | fraction << 13);
}

// To nearest, ties to even; too large becomes infinity.
inline uint16_t float_as_f16(float value) {
    uint32_t bits = float_as_bits(value), magnitude = bits & 0x7fffffff;
    uint16_t sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
    if (magnitude > 0x7f800000) return sign | 0x7e00;
    if (magnitude >= 0x477ff000) return sign | 0x7c00;  // 65520 and above
    if (magnitude < 0x38800000) {                       // below 2^-14: a subnormal, by the rounding of an addition
        float shifted = bits_as_float(magnitude) + 0.5f;
        return sign | static_cast<uint16_t>(float_as_bits(shifted) - 0x3f000000);
    }
    return sign | static_cast<uint16_t>((magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13);
}

// Element i of an array of a floating-point type; the array need not be aligned.
inline float element_as_float(const void* from, int32_t type, int64_t i) {
    const char* p = static_cast<const char*>(from);
    switch (type) {
        case SN9_BF16: {
            uint16_t half;
            memcpy(&half, p + i * 2, 2);
            return bf16_as_float(half);
        }
        case SN9_F16: {
            uint16_t half;
            memcpy(&half, p + i * 2, 2);
            return f16_as_float(half);
        }
        case SN9_F64: {
            double value;
            memcpy(&value, p + i * 8, 8);
            return static_cast<float>(value);
        }
        default: {
            float value;
            memcpy(&value, p + i * 4, 4);
            return value;
        }
    }
}

}  // namespace
