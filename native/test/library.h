// library: what the tests of a device library share. The library is opened by its path, so that one binary checks
// sn9cudahost here and sn9cuda where there is a GPU.
#pragma once

#include <dlfcn.h>

#include <cmath>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "sn9_ops.h"

namespace sn9::test {

// Every function of the ABI, by its name without sn9_.
// clang-format off
#define SN9_TEST_FUNCTIONS(X) \
    X(abi_version) X(last_error) X(device_count) X(context_open) X(context_close) \
    X(context_describe) X(context_reserve) X(training_pass) X(alloc) X(free) X(upload) X(download) X(copy) \
    X(pinned_alloc) X(pinned_free) X(stream_select) X(stream_native) X(event_create) X(event_free) X(event_record) \
    X(event_wait) X(event_synchronize) X(event_elapsed) X(range_push) X(range_pop) \
    X(capture_begin) X(capture_end) X(graph_launch) X(graph_free) X(synchronize) X(release_mapped) \
    X(padding) X(workspace_bytes) X(weight_bytes) X(weight_prepare) X(embed_forward) \
    X(embed_backward) X(dropout) X(linear_forward) X(linear_backward_input) \
    X(linear_backward_weight) X(add_layernorm_forward) X(layernorm_recompute) X(layernorm_backward) \
    X(gelu_forward) X(attention_forward) X(attention_backward) X(head_loss_forward) \
    X(head_loss_backward) X(head_logits) X(sequence_mean) X(grad_norm) X(adamw) X(cast) X(fill) \
    X(scale_add) X(check_finite) X(matmul)
// clang-format on

// The functions of one library: library.fill(context, ...). A function that the library lacks is null.
struct Library {
#define SN9_TEST_MEMBER(name) decltype(&::sn9_##name) name = nullptr;
    SN9_TEST_FUNCTIONS(SN9_TEST_MEMBER)
#undef SN9_TEST_MEMBER

    explicit Library(const char* path) : handle(dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
        if (!handle) {
            printf("%s cannot be opened: %s\n", path, dlerror());
            exit(2);
        }
#define SN9_TEST_FIND(name) name = reinterpret_cast<decltype(name)>(dlsym(handle, "sn9_" #name));
        SN9_TEST_FUNCTIONS(SN9_TEST_FIND)
#undef SN9_TEST_FIND
        set_ = reinterpret_cast<int32_t (*)(const char*, const char*)>(dlsym(handle, "sn9_host_set"));
    }

    // Whether this is the host build, which can play devices, orders and rounding.
    bool host() const {
        return set_ != nullptr;
    }

    // Changes what the host build plays (native/cudahost/settings.h), or with an empty value sets it back; does
    // nothing on a device.
    void set(const char* name, const std::string& value) const {
        if (set_ && set_(name, value.c_str()) != SN9_OK) {
            printf("the host build refuses %s=%s\n", name, value.c_str());
            exit(2);
        }
    }

    // Whether tensor cores truncate: on a device, and where the environment asks the host build for it.
    bool truncates() const {
        const char* rounding = getenv("SN9_HOST_ROUNDING");
        return !host() || (rounding && !strcmp(rounding, "rz"));
    }

    void* handle;

  private:
    int32_t (*set_)(const char*, const char*);
};

// Whether SN9_TEST_SIZE=small asks for the size at which the sanitizers run in CI: a case or two of each kernel in
// every type and width, with edges in every direction, more than one block and rings of cp.async that go round
// (scripts/check-launches.sh asks for these). The default, full, adds sizes. Every test says what it leaves out.
inline bool small() {
    const char* size = getenv("SN9_TEST_SIZE");
    if (!size || !strcmp(size, "full")) return false;
    if (!strcmp(size, "small")) return true;
    printf("SN9_TEST_SIZE=%s is unknown: it may be full or small\n", size);
    exit(2);
}

// Counts of the whole run, and what is being checked.
struct Tally {
    int checks = 0, failures = 0;
    std::string test, current;              // cuda_<test>_test.cpp, and the case
    std::map<std::string, double> shares;   // tolerance.h
    std::vector<std::string> only;          // runs cases whose names contain all of these
    uint64_t digest = 0xcbf29ce484222325u;  // FNV-1a over all that was downloaded, in order

    void digest_of(const void* memory, size_t bytes) {
        const unsigned char* byte = static_cast<const unsigned char*>(memory);
        for (size_t i = 0; i < bytes; i++) digest = (digest ^ byte[i]) * 0x100000001b3u;
    }
};
inline Tally& tally() {
    static Tally made;
    return made;
}

// Whether the case just named is one that nobody asked for: for tests that run long, which end such a case here.
inline bool unwanted() {
    for (const std::string& word : tally().only)
        if (tally().current.find(word) == std::string::npos) return true;
    return false;
}

[[gnu::format(printf, 1, 2)]] inline void failed(const char* format, ...) {
    tally().failures++;
    printf("FAILED %s: ", tally().current.c_str());
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

inline void expect(bool condition, const char* what) {
    tally().checks++;
    if (!condition) failed("%s", what);
}

// For functions of the library in functions that return nothing: what fails ends the function.
#define SN9_OK_OR_RETURN(library, call)                                                        \
    do {                                                                                       \
        int32_t status_ = (call);                                                              \
        if (status_ != SN9_OK) {                                                               \
            ::sn9::test::failed("%s returned %d: %s", #call, status_, (library).last_error()); \
            return;                                                                            \
        }                                                                                      \
    } while (0)

// Even numbers in (-1, 1), the same in every run.
class Noise {
  public:
    explicit Noise(uint64_t seed = 88172645463325252u) : state_(seed) {}
    double next() {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return static_cast<double>(state_ >> 11) / 4503599627370496.0 - 1.0;
    }
    std::vector<float> floats(int64_t n, double scale = 1.0) {
        std::vector<float> made(static_cast<size_t>(n));
        for (float& v : made) v = static_cast<float>(next() * scale);
        return made;
    }

  private:
    uint64_t state_;
};

inline uint16_t to_bf16(float v) {
    uint32_t u;
    memcpy(&u, &v, 4);
    if ((u & 0x7FFFFFFFu) > 0x7F800000u) return 0x7FFF;
    return static_cast<uint16_t>((u + 0x7FFFu + ((u >> 16) & 1u)) >> 16);
}
inline float from_bf16(uint16_t v) {
    uint32_t u = static_cast<uint32_t>(v) << 16;
    float f;
    memcpy(&f, &u, 4);
    return f;
}

// A context of one library. Ends the process when it cannot be opened.
class Device {
  public:
    Device(const Library& library, int32_t precision = SN9_PRECISION_FP32) : library_(library), precision_(precision) {
        check(library.context_open(0, 0, precision, &context_), "context_open");
        char text[4096];
        check(library.context_describe(context_, text, sizeof text), "context_describe");
        split_ = !bf16() && strstr(text, "\nfp32=bf16x3\n");
    }
    ~Device() {
        for (void* memory : memory_) check(library_.free(context_, memory), "free");
        check(library_.context_close(context_), "context_close");
    }
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    operator sn9_context*() const { return context_; }
    const Library& library() const { return library_; }
    int32_t precision() const { return precision_; }
    bool bf16() const { return precision_ == SN9_PRECISION_BF16; }
    // Whether f32 products of evaluation are three of bf16 on tensor cores.
    bool split() const { return split_; }
    const char* arithmetic() const { return bf16() ? "bf16" : split_ ? "f32 split" : "f32"; }

    // Device memory, freed with the device.
    template <typename T = float>
    T* allocate(int64_t n) {
        void* memory = nullptr;
        check(library_.alloc(context_, n * static_cast<int64_t>(sizeof(T)), &memory), "alloc");
        memory_.push_back(memory);
        poison(memory, n * static_cast<int64_t>(sizeof(T)));
        return static_cast<T*>(memory);
    }
    template <typename T>
    T* upload(const std::vector<T>& values) {
        T* to = allocate<T>(static_cast<int64_t>(values.size()));
        upload_to(to, values);
        return to;
    }
    template <typename T>
    void upload_to(T* to, const std::vector<T>& values) {
        check(library_.upload(context_, to, values.data(), static_cast<int64_t>(values.size() * sizeof(T))), "upload");
    }
    template <typename T>
    std::vector<T> download(const T* from, int64_t n) {
        std::vector<T> values(static_cast<size_t>(n));
        check(library_.download(context_, values.data(), from, n * static_cast<int64_t>(sizeof(T))), "download");
        check(library_.synchronize(context_), "synchronize");
        tally().digest_of(values.data(), values.size() * sizeof(T));
        return values;
    }

    // Activations: f32 or bf16 by the precision, floats to the test. upload_activations rounds.
    void* upload_activations(const std::vector<float>& values) {
        if (!bf16()) return upload(values);
        std::vector<uint16_t> rounded(values.size());
        for (size_t i = 0; i < values.size(); i++) rounded[i] = to_bf16(values[i]);
        return upload(rounded);
    }
    void* allocate_activations(int64_t n) {
        return bf16() ? static_cast<void*>(allocate<uint16_t>(n)) : allocate<float>(n);
    }
    std::vector<float> download_activations(const void* from, int64_t n) {
        if (!bf16()) return download(static_cast<const float*>(from), n);
        std::vector<uint16_t> raw = download(static_cast<const uint16_t*>(from), n);
        std::vector<float> values(raw.size());
        for (size_t i = 0; i < raw.size(); i++) values[i] = from_bf16(raw[i]);
        return values;
    }
    // What a value becomes when it is an activation.
    float round(float v) const { return bf16() ? from_bf16(to_bf16(v)) : v; }
    std::vector<float> round(std::vector<float> values) const {
        for (float& v : values) v = round(v);
        return values;
    }

    void check(int32_t status, const char* what) const {
        if (status == SN9_OK) return;
        printf("FAILED %s: %s returned %d: %s\n", tally().current.c_str(), what, status, library_.last_error());
        exit(1);
    }

  private:
    // Fresh memory of a GPU often holds zeros, or the right results of a moment ago. The host build's never does. Under
    // a tool that watches for reads of fresh memory, SN9_TEST_POISON=off leaves it as it is.
    void poison(void* memory, int64_t bytes) {
        const char* asked = getenv("SN9_TEST_POISON");
        if (library_.host() || bytes < 4 || (asked && !strcmp(asked, "off"))) return;
        const uint32_t nan = 0xFFFFFFFFu;  // in bf16, too
        float value;
        memcpy(&value, &nan, 4);
        check(library_.fill(context_, static_cast<float*>(memory), value, bytes / 4), "fill");
    }

    const Library& library_;
    int32_t precision_;
    bool split_ = false;
    sn9_context* context_ = nullptr;
    std::vector<void*> memory_;
};

// Fails unless |got - wanted| <= tolerance * (1 + |wanted|) everywhere.
inline void expect_close(const char* what, const std::vector<float>& got, const std::vector<double>& wanted,
                         double tolerance) {
    tally().checks++;
    if (got.size() != wanted.size()) {
        failed("%s: %zu elements, expected %zu", what, got.size(), wanted.size());
        return;
    }
    double worst = 0;
    size_t at = 0;
    for (size_t i = 0; i < got.size(); i++) {
        double difference = std::fabs(got[i] - wanted[i]) / (1.0 + std::fabs(wanted[i]));
        if (!(difference <= worst)) worst = difference, at = i;
        if (std::isnan(worst)) break;
    }
    if (!(worst <= tolerance))
        failed("%s: element %zu is %.9g, expected %.9g (off by %.3g, allowed %.3g)", what, at,
               static_cast<double>(got[at]), wanted[at], worst, tolerance);
}

// Fails unless both hold the same bits.
template <typename T>
void expect_same_bits(const char* what, const std::vector<T>& got, const std::vector<T>& wanted) {
    tally().checks++;
    if (got.size() != wanted.size() || memcmp(got.data(), wanted.data(), got.size() * sizeof(T)) != 0)
        failed("%s: other bits", what);
}

}  // namespace sn9::test
