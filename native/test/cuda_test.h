// cuda_test: what the tests of a CUDA library share: noise, comparisons, and device memory filled from and read into
// vectors. Uses the public headers only.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "sn9_ops.h"

namespace sn9::test {

typedef std::vector<float> Floats;
typedef std::vector<double> Doubles;
typedef std::vector<int32_t> Ints;

inline int checks = 0, failures = 0;
inline std::string current;
inline uint64_t results = 0;  // over every byte read back: the same for every order of blocks and warps
inline uint64_t state = 88172645463325252ull;

#define OK(call)                                                                                                       \
    do {                                                                                                               \
        int32_t status_ = (call);                                                                                      \
        if (status_ != SN9_OK) {                                                                                       \
            printf("FAILED %s: %s returned %d: %s\n", ::sn9::test::current.c_str(), #call, status_, sn9_last_error()); \
            ::sn9::test::failures++;                                                                                   \
            return;                                                                                                    \
        }                                                                                                              \
    } while (0)

inline double uniform() {  // (-1, 1)
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return static_cast<double>(state >> 11) / 4503599627370496.0 - 1.0;
}
inline Floats noise(int64_t n, double scale = 1.0) {
    Floats x(static_cast<size_t>(n));
    for (auto& v : x) v = static_cast<float>(uniform() * scale);
    return x;
}

inline void expect(const char* what, bool condition) {
    checks++;
    if (condition) return;
    failures++;
    printf("FAILED %s: %s\n", current.c_str(), what);
}
inline void expect_close(const char* what, const Floats& got, const Doubles& wanted, double tolerance) {
    checks++;
    double worst = 0;
    size_t at = 0;
    for (size_t i = 0; i < wanted.size(); i++) {
        double difference = std::fabs(got[i] - wanted[i]) / (1.0 + std::fabs(wanted[i]));
        if (!(difference <= worst)) worst = difference, at = i;
    }
    if (got.size() == wanted.size() && worst <= tolerance) return;
    failures++;
    printf("FAILED %s: %s: element %zu is %.9g, expected %.9g (off by %.3g, allowed %.3g)\n", current.c_str(), what, at,
           static_cast<double>(got[at]), wanted[at], worst, tolerance);
}
inline void expect_bits(const char* what, const Floats& got, const Floats& wanted) {
    checks++;
    size_t at = 0;
    while (at < wanted.size() && at < got.size() && !memcmp(&got[at], &wanted[at], 4)) at++;
    if (at == wanted.size() && got.size() == wanted.size()) return;
    failures++;
    printf("FAILED %s: %s: element %zu of %zu is %.9g, expected these bits: %.9g\n", current.c_str(), what, at,
           wanted.size(), static_cast<double>(got[at]), static_cast<double>(wanted[at]));
}

// Device memory; lives no longer than its device.
class Buffer {
  public:
    Buffer(sn9_context* context, const void* from, size_t bytes) : context_(context), bytes_(bytes) {
        if (sn9_alloc(context, static_cast<int64_t>(bytes), &memory_) ||
            sn9_upload(context, memory_, from, static_cast<int64_t>(bytes)) || sn9_synchronize(context)) {
            printf("FAILED %s: %s\n", current.c_str(), sn9_last_error());
            exit(1);
        }
    }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() { sn9_free(context_, memory_); }

    size_t bytes() const { return bytes_; }
    template <typename T>
    operator T*() const {
        return static_cast<T*>(memory_);
    }
    // The address so many bytes in, as any pointer.
    struct Address {
        char* address;
        template <typename T>
        operator T*() const {
            return reinterpret_cast<T*>(address);
        }
    };
    Address at(int64_t offset) const { return {static_cast<char*>(memory_) + offset}; }

  private:
    sn9_context* context_;
    void* memory_ = nullptr;
    size_t bytes_;
};

// A context of one precision, and its activations as floats.
class Device {
  public:
    Device(int32_t precision, int64_t workspace) : precision_(precision) {
        if (sn9_context_open(0, 0, precision, &context_) || sn9_context_reserve(context_, workspace)) {
            printf("FAILED to open a device: %s\n", sn9_last_error());
            exit(1);
        }
    }
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;
    ~Device() { sn9_context_close(context_); }
    operator sn9_context*() const { return context_; }

    bool is_bf16() const { return precision_ == SN9_PRECISION_BF16; }
    int64_t activation_bytes() const { return is_bf16() ? 2 : 4; }
    // What a result of the activation type may be off by, where f32 may be off by `f32`.
    double tolerance(double f32) const { return is_bf16() ? 0x1p-8 + f32 : f32; }

    // Values as activations hold them.
    Floats rounded(Floats x) const {
        if (is_bf16())
            for (auto& v : x) v = from_bf16(as_bf16(v));
        return x;
    }

    Buffer bytes(const void* from, size_t count) { return Buffer(context_, from, count); }
    Buffer floats(const Floats& x) { return bytes(x.data(), x.size() * 4); }
    Buffer ints(const Ints& x) { return bytes(x.data(), x.size() * 4); }
    Buffer activations(const Floats& x) {
        if (!is_bf16()) return floats(x);
        std::vector<uint16_t> halves;
        for (float v : x) halves.push_back(as_bf16(v));
        return bytes(halves.data(), halves.size() * 2);
    }

    template <typename T>
    std::vector<T> read(const Buffer& from, size_t count) {
        std::vector<T> to(count);
        if (sn9_download(context_, to.data(), from, static_cast<int64_t>(count * sizeof(T))) ||
            sn9_synchronize(context_)) {
            printf("FAILED %s: %s\n", current.c_str(), sn9_last_error());
            exit(1);
        }
        for (size_t i = 0; i < count * sizeof(T); i++)
            results = (results ^ reinterpret_cast<const unsigned char*>(to.data())[i]) * 1099511628211ull;
        return to;
    }
    Floats read_floats(const Buffer& from) { return read<float>(from, from.bytes() / 4); }
    Floats read_activations(const Buffer& from) {
        if (!is_bf16()) return read_floats(from);
        Floats to;
        for (uint16_t half : read<uint16_t>(from, from.bytes() / 2)) to.push_back(from_bf16(half));
        return to;
    }

  private:
    static float from_bf16(uint16_t half) {
        uint32_t bits = static_cast<uint32_t>(half) << 16;
        float value;
        memcpy(&value, &bits, 4);
        return value;
    }
    static uint16_t as_bf16(float value) {
        uint32_t bits;
        memcpy(&bits, &value, 4);
        if (std::isnan(value)) return 0x7FFF;
        return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
    }

    sn9_context* context_ = nullptr;
    int32_t precision_;
};

// Names the case that follows.
template <typename... Arguments>
void start(const Device& device, const char* format, Arguments... arguments) {
    char text[160];
    snprintf(text, sizeof text, format, arguments...);
    current = std::string(text) + (device.is_bf16() ? " bf16" : " f32");
}

}  // namespace sn9::test
