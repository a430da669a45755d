// cudahost_test [NAME]: the host build itself. Every mistake that it promises to show is planted here once and must be
// shown; the same kernel without the mistake must be right for every seed. The names at the end end the process, each
// by a report of a sanitizer, and run only when asked for.
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "common.cuh"
#include "ptx.cuh"
#include "settings.h"

using namespace sn9;

extern "C" int32_t sn9_host_set(const char* name, const char* value);

namespace {

int checks = 0, failures = 0;
std::string current;

void expect(bool condition, const char* what) {
    checks++;
    if (condition) return;
    failures++;
    printf("FAILED %s: %s\n", current.c_str(), what);
}

void play(const char* name, const std::string& value) {
    expect(sn9_host_set(name, value.c_str()) == 0, (std::string("set ") + name + "=" + value).c_str());
}

// Starts afresh: no streams, no memory, no fault, the defaults.
void start(const char* what) {
    current = what;
    play("reset", "");
    for (auto [name, value] : {std::pair{"seed", "0"},
                               {"profile", "sm_80"},
                               {"streams", "seeded"},
                               {"rounding", "rn"},
                               {"cp_async", "seeded"},
                               {"blocks", "0"},
                               {"memory", "4096"}})
        play(name, value);
}

cudaStream_t new_stream() {
    cudaStream_t stream = nullptr;
    expect(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess, "a stream");
    return stream;
}

template <typename T>
T* new_memory(size_t n) {
    void* memory = nullptr;
    expect(cudaMalloc(&memory, n * sizeof(T)) == cudaSuccess, "device memory");
    return static_cast<T*>(memory);
}

// Device memory is host memory here, so the tests fill and read it in place, while nothing runs.
template <typename T>
T* new_memory(const std::vector<T>& values) {
    T* memory = new_memory<T>(values.size());
    memcpy(memory, values.data(), values.size() * sizeof(T));
    return memory;
}

bool contains(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}

// The launch went wrong, when it was asked for or when it ran, with these words.
void expect_fault(int32_t status, cudaStream_t stream, std::initializer_list<const char*> words) {
    if (status == SN9_OK) status = check(cudaStreamSynchronize(stream), "synchronize");
    expect(status != SN9_OK, "a fault is reported");
    if (status == SN9_OK) return;
    std::string message = sn9_last_error();
    for (const char* word : words)
        if (!contains(message, word))
            expect(false, (std::string("the message has '") + word + "': " + message).c_str());
        else
            checks++;
}

const char* const kSeeds[] = {"0", "1", "2", "3", "4", "5", "6", "7"};

// How many different results there are over the seeds; bits of one float.
std::set<uint32_t> results(const std::function<float()>& once) {
    std::set<uint32_t> seen;
    for (const char* seed : kSeeds) {
        play("reset", "");
        play("seed", seed);
        seen.insert(__float_as_uint(once()));
    }
    return seen;
}

// ---- barriers and shared memory -----------------------------------------------------------------------------------

// The sum of in[0..127]; without the barrier the first warp adds what the others have not written.
template <bool kBarrier>
__global__ void sum_block(float* out, const float* in) {
    SN9_SHARED(float, partial, 4);
    float sum = warp_sum(in[threadIdx.x]);
    if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = sum;
    if (kBarrier) __syncthreads();
    if (threadIdx.x == 0) out[blockIdx.x] = partial[0] + partial[1] + partial[2] + partial[3];
}

template <bool kBarrier>
float sum_once() {
    cudaStream_t stream = new_stream();
    float* in = new_memory(std::vector<float>(128, 1.0f));
    float* out = new_memory<float>(1);
    expect(SN9_LAUNCH(sum_block<kBarrier>, 1, 128, 0, stream, out, in) == SN9_OK, "launch");
    expect(cudaStreamSynchronize(stream) == cudaSuccess, "run");
    return *out;
}

void barriers() {
    start("a barrier");
    auto right = results(sum_once<true>);
    expect(right == std::set<uint32_t>{__float_as_uint(128.0f)}, "the sum is right for every seed");
    start("a missing barrier");
    auto wrong = results(sum_once<false>);
    expect(!wrong.contains(__float_as_uint(128.0f)) || wrong.size() > 1, "shows as NaN or by the seed");
}

__global__ void barrier_in_a_branch() {
    if (threadIdx.x < 40) __syncthreads();
}
__global__ void barrier_after_return() {
    if (threadIdx.x >= 96) return;
    __syncthreads();
}
__global__ void shuffle_in_a_branch(float* out) {
    if (threadIdx.x < 7) *out = __shfl_xor_sync(0xFFFFFFFFu, 1.0f, 1);
    __syncwarp();
}
__global__ void shuffle_after_return(float* out) {
    if (threadIdx.x == 31) return;
    *out = __shfl_xor_sync(0xFFFFFFFFu, 1.0f, 1);
}
__global__ void shuffle_without_itself(float* out) {
    *out = __shfl_xor_sync(0xFFFFu, 1.0f, 1);
}
__global__ void shuffle_and_barrier(float* out) {
    if (threadIdx.x % 2) __syncthreads();
    *out = warp_sum(1.0f);
}
__global__ void trap(int64_t n) {
    if (blockIdx.x == 2 && threadIdx.x == 5 && n > 0) __trap();
}

void divergence() {
    for (const char* seed : {"0", "3"}) {
        auto fresh = [&](const char* what) {
            start(what);
            play("seed", seed);
            return new_stream();
        };
        cudaStream_t stream = fresh("a barrier in a branch");
        expect_fault(SN9_LAUNCH(barrier_in_a_branch, 1, 128, 0, stream), stream,
                     {"barrier_in_a_branch", "deadlock", "of 128 threads 40 wait at __syncthreads", "88 have exited"});
        stream = fresh("a barrier after a return");
        expect_fault(SN9_LAUNCH(barrier_after_return, 1, 128, 0, stream), stream,
                     {"deadlock", "96 wait at __syncthreads", "32 have exited"});
        stream = fresh("a shuffle in a branch");
        float* out = new_memory<float>(1);
        expect_fault(SN9_LAUNCH(shuffle_in_a_branch, 1, 32, 0, stream, out), stream, {"different operations"});
        stream = fresh("a shuffle after a return");
        out = new_memory<float>(1);
        expect_fault(SN9_LAUNCH(shuffle_after_return, 1, 32, 0, stream, out), stream, {"have exited", "80000000"});
        stream = fresh("a shuffle whose mask lacks the caller");
        out = new_memory<float>(1);
        expect_fault(SN9_LAUNCH(shuffle_without_itself, 1, 32, 0, stream, out), stream, {"does not name"});
        stream = fresh("a shuffle against a barrier");
        out = new_memory<float>(1);
        expect_fault(SN9_LAUNCH(shuffle_and_barrier, 1, 32, 0, stream, out), stream,
                     {"deadlock", "16 wait at __syncthreads", "16 in their warp (a shuffle"});
        stream = fresh("a trap");
        expect_fault(SN9_LAUNCH(trap, 4, 32, 0, stream, 1), stream, {"__trap", "block (2, 0, 0)", "thread (5, 0, 0)"});
        expect(cudaMalloc(reinterpret_cast<void**>(&out), 4) == cudaErrorLaunchFailure, "a fault stays");
        play("reset", "");
        expect(cudaMalloc(reinterpret_cast<void**>(&out), 4) == cudaSuccess, "until the device is reset");
    }
}

// Lanes of one warp: shuffles of all kinds, votes, and a warp that is not whole.
__global__ void shuffles(int* out) {
    int l = static_cast<int>(threadIdx.x);
    out[l] = __shfl_sync(kFullMask, l * 10, 3);
    out[32 + l] = __shfl_xor_sync(kFullMask, l, 5);
    out[64 + l] = __shfl_down_sync(kFullMask, l, 4);
    out[96 + l] = __shfl_up_sync(kFullMask, l, 4);
    out[128 + l] = __shfl_sync(kFullMask, l, 1, 8);
    out[160 + l] = static_cast<int>(__ballot_sync(kFullMask, l % 3 == 0));
    out[192 + l] = static_cast<int>(__shfl_xor_sync(kFullMask, static_cast<double>(l) + 0.25, 1) * 4);
    // Two halves apart from each other.
    unsigned half = l < 16 ? 0xFFFFu : 0xFFFF0000u;
    int sum = l;
    if (l < 16) sum += __shfl_xor_sync(half, l, 8);
    if (l >= 16) sum -= __shfl_xor_sync(half, l, 8);
    out[224 + l] = sum;
    out[256 + l] = __any_sync(kFullMask, l == 7) * 2 + __all_sync(kFullMask, l < 31);
}
__global__ void half_a_warp(float* out) {
    out[threadIdx.x] = __shfl_sync(kFullMask, 1.0f, 20);
}

void warps() {
    for (const char* seed : kSeeds) {
        start("shuffles");
        play("seed", seed);
        cudaStream_t stream = new_stream();
        int* out = new_memory<int>(288);
        expect(SN9_LAUNCH(shuffles, 1, 32, 0, stream, out) == SN9_OK, "launch");
        expect(cudaStreamSynchronize(stream) == cudaSuccess, "run");
        for (int l = 0; l < 32; l++) {
            expect(out[l] == 30, "shfl");
            expect(out[32 + l] == (l ^ 5), "shfl_xor");
            expect(out[64 + l] == (l + 4 > 31 ? l : l + 4), "shfl_down");
            expect(out[96 + l] == (l < 4 ? l : l - 4), "shfl_up");
            expect(out[128 + l] == l / 8 * 8 + 1, "shfl of eight lanes");
            expect(out[160 + l] == 0x49249249, "ballot");
            expect(out[192 + l] == (l ^ 1) * 4 + 1, "shfl of a double");
            expect(out[224 + l] == (l < 16 ? l + (l ^ 8) : l - (l ^ 8)), "two halves");
            expect(out[256 + l] == 2, "any, all");
        }
    }
    start("half a warp");
    cudaStream_t stream = new_stream();
    float* out = new_memory<float>(16);
    expect(SN9_LAUNCH(half_a_warp, 1, 16, 0, stream, out) == SN9_OK, "launch");
    expect(cudaStreamSynchronize(stream) == cudaSuccess, "run");
    expect(std::isnan(out[0]), "a lane that does not exist gives NaN");
}

// Shared memory is fresh for each block.
__global__ void leftover(float* out) {
    SN9_SHARED(float, kept, 1);
    if (blockIdx.x == 0) *kept = 1.0f;
    out[blockIdx.x] = *kept;
}
// The result depends on which block comes last.
__global__ void last_block(float* out) {
    *out = static_cast<float>(blockIdx.x);
}

void blocks() {
    start("shared memory of an earlier block");
    cudaStream_t stream = new_stream();
    float* out = new_memory<float>(2);
    expect(SN9_LAUNCH(leftover, 2, 1, 0, stream, out) == SN9_OK, "launch");
    expect(cudaStreamSynchronize(stream) == cudaSuccess, "run");
    expect(out[0] == 1.0f && std::isnan(out[1]), "is NaN in the next");

    start("an order of blocks");
    auto seen = results([] {
        cudaStream_t s = new_stream();
        float* last = new_memory<float>(1);
        expect(SN9_LAUNCH(last_block, dim3(5, 3, 2), 1, 0, s, last) == SN9_OK, "launch");
        expect(cudaStreamSynchronize(s) == cudaSuccess, "run");
        return *last;
    });
    expect(seen.size() > 1, "is drawn by the seed");
}

// ---- limits -------------------------------------------------------------------------------------------------------

__global__ void nothing() {}
__global__ void fill_dynamic(float* out, int n) {
    SN9_DYNAMIC_SHARED(float, buffer, 227 * 1024);
    if (threadIdx.x == 0) *out = __float_as_uint(buffer[n - 1]) == 0xFFFFFFFFu ? 1.0f : 0.0f;
}
__global__ void some_dynamic(float* out) {
    SN9_DYNAMIC_SHARED(float, buffer, 128);
    *out = buffer[0];
}
__global__ void much_static() {
    SN9_SHARED(float, first, 8 * 1024);
    SN9_SHARED(float, second, 8 * 1024);
    first[threadIdx.x] = second[threadIdx.x];
}

void limits() {
    start("limits of a launch");
    cudaStream_t stream = new_stream();
    expect(SN9_LAUNCH(nothing, dim3(1, 65535, 1), 1, 0, stream) == SN9_OK, "grid.y of 65,535");
    expect_fault(SN9_LAUNCH(nothing, dim3(1, 65536, 1), 1, 0, stream), stream, {"nothing", "65536", "65535"});
    expect_fault(SN9_LAUNCH(nothing, dim3(1, 1, 65536), 1, 0, stream), stream, {"65535"});
    expect_fault(SN9_LAUNCH(nothing, INT64_C(1) << 32, 1, 0, stream), stream, {"grid (0"});
    expect_fault(SN9_LAUNCH(nothing, INT64_C(1) << 31, 1, 0, stream), stream, {"2^31 - 1"});
    expect_fault(SN9_LAUNCH(nothing, 0, 1, 0, stream), stream, {"at least 1"});
    expect_fault(SN9_LAUNCH(nothing, 1, 1025, 0, stream), stream, {"1024 threads"});
    expect_fault(SN9_LAUNCH(nothing, 1, dim3(32, 33, 1), 0, stream), stream, {"1024 threads"});
    expect_fault(SN9_LAUNCH(nothing, 1, dim3(1, 1, 65), 0, stream), stream, {"64 along z"});
    expect(check(cudaStreamSynchronize(stream), "run") == SN9_OK, "a refused launch leaves no fault behind");

    const struct {
        const char* profile;
        int kilobytes;
    } most[] = {{"sm_80", 163}, {"sm_86", 99}, {"sm_89", 99}, {"sm_90", 227}, {"sm_100", 227}, {"sm_120", 99}};
    for (auto [profile, kilobytes] : most) {
        start(profile);
        play("profile", profile);
        stream = new_stream();
        float* out = new_memory<float>(1);
        size_t bytes = static_cast<size_t>(kilobytes) * 1024;
        int n = static_cast<int>(bytes / 4);
        expect_fault(SN9_LAUNCH(fill_dynamic, 1, 32, bytes, stream, out, n), stream, {"SN9_ALLOW_SHARED"});
        expect_fault(SN9_ALLOW_SHARED(fill_dynamic, bytes + 1), stream, {profile, "dynamic shared memory"});
        expect(SN9_ALLOW_SHARED(fill_dynamic, bytes) == SN9_OK, "all that the device has");
        expect(SN9_LAUNCH(fill_dynamic, 1, 32, bytes, stream, out, n) == SN9_OK, "launch");
        expect(check(cudaStreamSynchronize(stream), "run") == SN9_OK && *out == 1.0f, "and it holds NaN");
    }
    start("more dynamic shared memory than the kernel states");
    stream = new_stream();
    float* out = new_memory<float>(1);
    expect(SN9_LAUNCH(some_dynamic, 1, 1, 128, stream, out) == SN9_OK, "what it states");
    expect_fault(SN9_LAUNCH(some_dynamic, 1, 1, 132, stream, out), stream, {"some_dynamic", "132", "states 128"});
    start("too much static shared memory");
    stream = new_stream();
    expect_fault(SN9_LAUNCH(much_static, 1, 32, 0, stream), stream, {"shared array second", "65536", "49152"});
}

// ---- alignment ----------------------------------------------------------------------------------------------------

__global__ void load_at(float* out, const float* in, int offset) {
    float4 v = load4(in + offset);
    *out = v.x;
}
__global__ void copy_at(const float* in, int from, int to) {
    SN9_SHARED(float, buffer, 64);
    cp_async_16(buffer + to, in + from);
    cp_async_commit();
    cp_async_wait<0>();
}
__global__ void copy_to_global(float* out, const float* in) {
    cp_async_16(out, in);
}
__global__ void matrix_at(int offset) {
    SN9_SHARED(bf16, buffer, 64 * 8 + 8);
    uint32_t r[4];
    ldmatrix_x4(r, buffer + 8 * (threadIdx.x % 32) + offset);
}
__global__ void matrix_from_global(const bf16* in) {
    uint32_t r[4];
    ldmatrix_x4(r, in);
}

void alignment() {
    auto fresh = [](const char* what) {
        start(what);
        return new_stream();
    };
    cudaStream_t stream = fresh("a 16-byte load");
    float* memory = new_memory(std::vector<float>(64, 2.0f));
    expect(SN9_LAUNCH(load_at, 1, 1, 0, stream, memory, memory, 4) == SN9_OK, "launch");
    expect(check(cudaStreamSynchronize(stream), "run") == SN9_OK, "aligned");
    expect_fault(SN9_LAUNCH(load_at, 1, 1, 0, stream, memory, memory, 2), stream, {"16-byte load", "misaligned"});
    stream = fresh("cp.async from an odd head of width 76");
    memory = new_memory(std::vector<float>(256, 2.0f));
    expect_fault(SN9_LAUNCH(copy_at, 1, 1, 0, stream, memory, 76 / 2, 0), stream, {"from global", "misaligned"});
    stream = fresh("cp.async to 8 bytes");
    memory = new_memory(std::vector<float>(64, 2.0f));
    expect_fault(SN9_LAUNCH(copy_at, 1, 1, 0, stream, memory, 0, 2), stream, {"to shared", "misaligned"});
    stream = fresh("cp.async to global memory");
    memory = new_memory(std::vector<float>(64, 2.0f));
    expect_fault(SN9_LAUNCH(copy_to_global, 1, 1, 0, stream, memory, memory), stream, {"not shared memory"});
    stream = fresh("ldmatrix of a row at 8 bytes");
    expect_fault(SN9_LAUNCH(matrix_at, 1, 32, 0, stream, 4), stream, {"ldmatrix", "misaligned"});
    stream = fresh("ldmatrix of global memory");
    bf16* halves = new_memory<bf16>(64);
    expect_fault(SN9_LAUNCH(matrix_from_global, 1, 32, 0, stream, halves), stream, {"not shared memory"});
    stream = fresh("ldmatrix in a warp that is not whole");
    expect_fault(SN9_LAUNCH(matrix_at, 1, 16, 0, stream, 0), stream, {"16 lanes"});
}

// ---- cp.async -----------------------------------------------------------------------------------------------------

// Sums tiles of 128 floats through two slots. kWait groups may be pending where 1 is right in the loop; kBarrier: the
// one that keeps a refill from overtaking the readers of its slot.
template <int kWait, bool kBarrier>
__global__ void pipeline(float* out, const float* in, int tiles) {
    SN9_SHARED(float, slots, 2 * 128);
    int t = static_cast<int>(threadIdx.x);
    auto fetch = [&](int tile) {
        if (t < 32) cp_async_16_zfill(slots + tile % 2 * 128 + t * 4, in + tile * 128 + t * 4, tile < tiles);
        cp_async_commit();
    };
    fetch(0);
    float sum = 0;
    for (int tile = 0; tile < tiles; tile++) {
        fetch(tile + 1);
        cp_async_wait<kWait>();
        __syncthreads();
        // Each thread reads what another has fetched.
        sum += slots[tile % 2 * 128 + (t + 37) % 128];
        if (kBarrier) __syncthreads();
    }
    out[t] = sum;
}

template <int kWait, bool kBarrier>
std::vector<float> pipeline_once() {
    constexpr int kTiles = 5;
    std::vector<float> in(kTiles * 128);
    for (size_t i = 0; i < in.size(); i++) in[i] = static_cast<float>(i / 128 + 1);
    cudaStream_t stream = new_stream();
    float* from = new_memory(in);
    float* out = new_memory<float>(128);
    expect(SN9_LAUNCH((pipeline<kWait, kBarrier>), 1, 128, 0, stream, out, from, kTiles) == SN9_OK, "launch");
    expect(check(cudaStreamSynchronize(stream), "run") == SN9_OK, "run");
    return std::vector<float>(out, out + 128);
}

// In how many of the seeds the sums are wrong.
template <int kWait, bool kBarrier>
int wrong_seeds(const char* landing) {
    int wrong = 0;
    for (const char* seed : kSeeds) {
        start("cp.async");
        play("seed", seed);
        play("cp_async", landing);
        if (pipeline_once<kWait, kBarrier>() != std::vector<float>(128, 15.0f)) wrong++;
    }
    return wrong;
}

__global__ void zero_fill(float* out, const float* in) {
    SN9_SHARED(float, buffer, 8);
    cp_async_16_zfill(buffer, in, false);
    cp_async_16_zfill(buffer + 4, in, true);
    cp_async_commit();
    cp_async_wait<0>();
    for (int i = 0; i < 8; i++) out[i] = buffer[i];
}
__global__ void read_without_wait(float* out, const float* in) {
    SN9_SHARED(float, buffer, 4);
    cp_async_16(buffer, in);
    cp_async_commit();
    *out = buffer[0];
}
// A wait knows groups only: what was not committed stays under way.
__global__ void wait_without_commit(float* out, const float* in) {
    SN9_SHARED(float, buffer, 4);
    cp_async_16(buffer, in);
    cp_async_wait<0>();
    *out = buffer[0];
}

void background_copies() {
    for (const char* landing : {"seeded", "issue", "wait"})
        expect((wrong_seeds<1, true>(landing)) == 0, "a right pipeline is right for every seed");
    expect((wrong_seeds<2, true>("seeded")) > 0, "a wait for one group too few shows");
    expect((wrong_seeds<2, true>("wait")) == 8, "always, when copies land late");
    expect((wrong_seeds<1, false>("seeded")) > 0, "a refill before the barrier shows");
    expect((wrong_seeds<1, false>("issue")) > 0, "when copies land early");
    for (auto* kernel : {read_without_wait, wait_without_commit}) {
        start("cp.async without its wait");
        play("cp_async", "wait");
        cudaStream_t stream = new_stream();
        float* in = new_memory(std::vector<float>(4, 1.0f));
        float* out = new_memory<float>(1);
        expect(SN9_LAUNCH(kernel, 1, 1, 0, stream, out, in) == SN9_OK, "launch");
        expect(check(cudaStreamSynchronize(stream), "run") == SN9_OK, "run");
        expect(std::isnan(*out), "reads NaN");
    }
    start("cp.async with zeros");
    cudaStream_t stream = new_stream();
    float* in = new_memory(std::vector<float>(4, 1.0f));
    float* out = new_memory<float>(8);
    expect(SN9_LAUNCH(zero_fill, 1, 1, 0, stream, out, in) == SN9_OK, "launch");
    expect(check(cudaStreamSynchronize(stream), "run") == SN9_OK, "run");
    for (int i = 0; i < 8; i++) expect(out[i] == (i < 4 ? 0.0f : 1.0f), "zeros where nothing is valid");
}

// ---- matrix instructions ------------------------------------------------------------------------------------------

// c = a * b for 16x16 times 16x8, b stored [k][n] (needs _trans) or [n][k].
template <bool kTransposed>
__global__ void multiply(float* c, const bf16* a, const bf16* b) {
    SN9_SHARED(bf16, sa, 16 * 16);
    SN9_SHARED(bf16, sb, 16 * 8);
    int l = static_cast<int>(threadIdx.x);
    for (int i = l; i < 256; i += 32) sa[i] = a[i];
    for (int i = l; i < 128; i += 32) sb[i] = b[i];
    __syncwarp();
    uint32_t ra[4], rb[2];
    ldmatrix_x4(ra, sa + l % 16 * 16 + l / 16 * 8);
    if (kTransposed)
        ldmatrix_x2_trans(rb, sb + l % 16 * 8);
    else
        ldmatrix_x2(rb, sb + l % 8 * 16 + l / 8 % 2 * 8);
    float d[4] = {c[l / 4 * 8 + l % 4 * 2], c[l / 4 * 8 + l % 4 * 2 + 1], c[(l / 4 + 8) * 8 + l % 4 * 2],
                  c[(l / 4 + 8) * 8 + l % 4 * 2 + 1]};
    mma_bf16_m16n8k16(d, ra, rb);
    for (int i = 0; i < 4; i++) c[(l / 4 + i / 2 * 8) * 8 + l % 4 * 2 + i % 2] = d[i];
}

void matrices() {
    for (const char* profile : {"sm_80", "sm_90"}) {
        for (const char* rounding : {"rn", "rz"}) {
            int below = 0, above = 0;
            for (int transposed = 0; transposed < 2; transposed++) {
                start("mma and ldmatrix");
                play("profile", profile);
                play("rounding", rounding);
                play("seed", transposed ? "3" : "0");
                cudaStream_t stream = new_stream();
                host::Random random{static_cast<uint64_t>(transposed) + 5};
                // Of both signs, or all positive: then truncation can only make less.
                float least = transposed ? 0.0f : -1.0f;
                auto draw = [&] { return least + (1 - least) * static_cast<float>(random.below(2001)) / 2000.0f; };
                std::vector<bf16> a(256), b(128);
                std::vector<float> c(128);
                for (bf16& v : a) v = from_float<bf16>(draw());
                for (bf16& v : b) v = from_float<bf16>(draw());
                for (float& v : c) v = draw();
                bf16 *da = new_memory(a), *db = new_memory(b);
                float* dc = new_memory(c);
                auto* kernel = transposed ? multiply<true> : multiply<false>;
                expect(SN9_LAUNCH(kernel, 1, 32, 0, stream, dc, da, db) == SN9_OK, "launch");
                expect(check(cudaStreamSynchronize(stream), "run") == SN9_OK, "run");
                for (int i = 0; i < 16; i++)
                    for (int j = 0; j < 8; j++) {
                        double wanted = c[i * 8 + j], size = std::fabs(wanted);
                        for (int k = 0; k < 16; k++) {
                            double product = static_cast<double>(to_float(a[i * 16 + k])) *
                                             to_float(b[transposed ? k * 8 + j : j * 16 + k]);
                            wanted += product;
                            size += std::fabs(product);
                        }
                        double off = dc[i * 8 + j] - wanted;
                        expect(std::fabs(off) <= 17 * 0x1p-23 * size, "the product is right");
                        if (transposed) (off < 0 ? below : above) += off != 0;
                    }
            }
            if (!strcmp(rounding, "rz"))
                expect(below > 96 && above == 0, "rz is off towards zero");
            else
                expect(below > 16 && above > 16, "rn is off to both sides");
        }
    }
}

// ---- streams, events, capture -------------------------------------------------------------------------------------

__global__ void add_to(float* out, const float* value) {
    *out += *value;
}
__global__ void scale_by_value(float* out, float factor) {
    *out *= factor;
}

void streams() {
    start("late streams");
    cudaStream_t stream = new_stream();
    float* memory = new_memory(std::vector<float>{1.0f});
    expect(SN9_LAUNCH(scale_by_value, 1, 1, 0, stream, memory, 3.0f) == SN9_OK, "launch");
    expect(*memory == 1.0f, "nothing happens before somebody waits");
    expect(cudaStreamSynchronize(stream) == cudaSuccess && *memory == 3.0f, "and then it does");

    for (bool with_event : {true, false}) {
        start(with_event ? "two streams with an event" : "two streams without an event");
        auto seen = results([&] {
            cudaStream_t first = new_stream(), second = new_stream();
            cudaEvent_t written = nullptr;
            expect(cudaEventCreateWithFlags(&written, cudaEventDisableTiming) == cudaSuccess, "an event");
            float* a = new_memory(std::vector<float>{1.0f});
            float* b = new_memory(std::vector<float>{1.0f});
            expect(SN9_LAUNCH(scale_by_value, 1, 1, 0, first, a, 5.0f) == SN9_OK, "launch");
            expect(cudaEventRecord(written, first) == cudaSuccess, "record");
            if (with_event) expect(cudaStreamWaitEvent(second, written, 0) == cudaSuccess, "wait");
            expect(SN9_LAUNCH(add_to, 1, 1, 0, second, b, a) == SN9_OK, "launch");
            expect(cudaStreamSynchronize(second) == cudaSuccess, "run");
            return *b;
        });
        if (with_event)
            expect(seen == std::set<uint32_t>{__float_as_uint(6.0f)}, "the order holds for every seed");
        else
            expect(seen.size() > 1, "the result depends on the seed");
    }

    // Without an event either of two may run ahead of the other, whatever was asked for first.
    for (auto [ahead, sum] : {std::pair{"eldest", 6.0f}, {"youngest", 2.0f}}) {
        for (bool reader_last : {true, false}) {
            start("the stream that stays ahead");
            play("streams", ahead);
            cudaStream_t writer = new_stream(), reader = new_stream();
            float* a = new_memory(std::vector<float>{1.0f});
            float* b = new_memory(std::vector<float>{1.0f});
            if (!reader_last) expect(SN9_LAUNCH(add_to, 1, 1, 0, reader, b, a) == SN9_OK, "launch");
            expect(SN9_LAUNCH(scale_by_value, 1, 1, 0, writer, a, 5.0f) == SN9_OK, "launch");
            if (reader_last) expect(SN9_LAUNCH(add_to, 1, 1, 0, reader, b, a) == SN9_OK, "launch");
            expect(cudaStreamSynchronize(writer) == cudaSuccess, "run");
            expect(cudaStreamSynchronize(reader) == cudaSuccess && *b == sum, ahead);
        }
    }

    start("handles");
    stream = new_stream();
    cudaEvent_t event = nullptr;
    expect(cudaEventCreateWithFlags(&event, cudaEventDefault) == cudaSuccess, "an event");
    expect(cudaStreamDestroy(stream) == cudaSuccess, "destroy");
    memory = new_memory(std::vector<float>{1.0f});
    expect_fault(SN9_LAUNCH(scale_by_value, 1, 1, 0, stream, memory, 3.0f), stream, {"not any more"});
    expect(cudaStreamSynchronize(stream) == cudaErrorInvalidResourceHandle, "a dead stream cannot be waited for");
    expect(cudaStreamDestroy(stream) == cudaErrorInvalidResourceHandle, "nor destroyed");
    stream = new_stream();
    expect(cudaEventDestroy(event) == cudaSuccess, "destroy");
    expect(cudaEventRecord(event, stream) == cudaErrorInvalidResourceHandle, "a dead event cannot be recorded");
    cudaStream_t blocking = nullptr;
    expect(cudaStreamCreateWithFlags(&blocking, 0) == cudaErrorInvalidValue, "a blocking stream is refused");
    expect_fault(SN9_LAUNCH(nothing, 1, 1, 0, static_cast<cudaStream_t>(nullptr)), stream, {"legacy default stream"});

    start("a wait for nothing");
    stream = new_stream();
    expect(cudaEventCreateWithFlags(&event, cudaEventDefault) == cudaSuccess, "an event");
    expect(cudaStreamWaitEvent(stream, event, 0) == cudaSuccess, "an event never recorded holds nobody up");
    expect(cudaStreamSynchronize(stream) == cudaSuccess, "run");
    float milliseconds = 0;
    expect(cudaEventElapsedTime(&milliseconds, event, event) == cudaErrorInvalidResourceHandle, "and has no time");
    expect(cudaEventRecord(event, stream) == cudaSuccess, "record");
    expect(cudaEventElapsedTime(&milliseconds, event, event) == cudaErrorNotReady, "nor before it is reached");
}

void memory_rules() {
    start("memory");
    cudaStream_t stream = new_stream();
    float* device = new_memory<float>(16);
    expect(std::isnan(device[0]) && std::isnan(device[15]), "fresh memory is NaN");
    void* pinned = nullptr;
    expect(cudaMallocHost(&pinned, 64) == cudaSuccess, "pinned memory");
    std::vector<float> pageable(16);
    expect(cudaMemcpyAsync(device, pinned, 64, cudaMemcpyHostToDevice, stream) == cudaSuccess, "a copy");
    expect(cudaMemcpyAsync(device, pageable.data(), 64, cudaMemcpyHostToDevice, stream) == cudaErrorInvalidValue,
           "a copy from pageable memory is refused");
    expect(cudaMemcpyAsync(device, pinned, 68, cudaMemcpyHostToDevice, stream) == cudaErrorInvalidValue,
           "a copy over the end is refused");
    expect(cudaMemcpyAsync(device + 1, device, 64, cudaMemcpyDeviceToDevice, stream) == cudaErrorInvalidValue,
           "on the device as well");
    expect(cudaMemsetAsync(device, 0, 65, stream) == cudaErrorInvalidValue, "and a fill");
    expect(cudaFree(pinned) == cudaErrorInvalidValue, "pinned memory is not the device's");
    expect(cudaFree(device) == cudaSuccess, "free");
    expect(cudaFree(device) == cudaErrorInvalidValue, "twice");
    expect(cudaMemcpyAsync(device, pinned, 64, cudaMemcpyHostToDevice, stream) == cudaErrorInvalidValue,
           "freed memory is not copied to");
    play("memory", "1");
    void* more = nullptr;
    expect(cudaMalloc(&more, 2 << 20) == cudaErrorMemoryAllocation, "memory comes to an end");
}

void capture() {
    start("capture");
    cudaStream_t stream = new_stream();
    float* memory = new_memory(std::vector<float>{1.0f, 10.0f});
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t executable = nullptr;
    expect(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess, "begin");
    expect_fault(SN9_LAUNCH(add_to, 1, 1, 0, stream, memory, memory + 1), stream, {"never launched before"});
    expect(cudaStreamEndCapture(stream, &graph) == cudaErrorStreamCaptureInvalidated, "that broke the capture");

    for (auto* forbidden : {+[](cudaStream_t s) { return cudaStreamSynchronize(s); },
                            +[](cudaStream_t) { return cudaDeviceSynchronize(); },
                            +[](cudaStream_t) {
                                void* got = nullptr;
                                return cudaMalloc(&got, 4);
                            },
                            +[](cudaStream_t) {
                                void* got = nullptr;
                                return cudaMallocHost(&got, 4);
                            }}) {
        expect(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess, "begin");
        expect(forbidden(stream) == cudaErrorStreamCaptureUnsupported, "a forbidden call says so");
        expect(cudaStreamEndCapture(stream, &graph) == cudaErrorStreamCaptureInvalidated, "and breaks the capture");
    }
    expect(cudaStreamEndCapture(stream, &graph) == cudaErrorStreamCaptureUnmatched, "an end without a beginning");

    // A scalar passed by value freezes in the graph, one in device memory does not.
    expect(SN9_LAUNCH(add_to, 1, 1, 0, stream, memory, memory + 1) == SN9_OK, "warm up");
    expect(SN9_LAUNCH(scale_by_value, 1, 1, 0, stream, memory, 1.0f) == SN9_OK, "warm up");
    expect(cudaStreamSynchronize(stream) == cudaSuccess && memory[0] == 11.0f, "run");
    float factor = 2.0f;
    expect(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess, "begin");
    expect(SN9_LAUNCH(scale_by_value, 1, 1, 0, stream, memory, factor) == SN9_OK, "captured");
    expect(SN9_LAUNCH(add_to, 1, 1, 0, stream, memory, memory + 1) == SN9_OK, "captured");
    expect(cudaStreamEndCapture(stream, &graph) == cudaSuccess, "end");
    expect(cudaGraphInstantiate(&executable, graph, 0) == cudaSuccess, "instantiate");
    expect(cudaGraphDestroy(graph) == cudaSuccess, "the graph may go");
    expect(memory[0] == 11.0f, "captured work does not run");
    factor = 100.0f;
    memory[1] = 1.0f;
    expect(cudaGraphLaunch(executable, stream) == cudaSuccess, "replay");
    expect(cudaStreamSynchronize(stream) == cudaSuccess, "run");
    expect(memory[0] == 23.0f, "the value is frozen, the memory is read afresh");
    expect(cudaGraphExecDestroy(executable) == cudaSuccess, "destroy");
    expect(cudaGraphLaunch(executable, stream) == cudaErrorInvalidValue, "a dead graph is refused");
}

// ---- production shapes --------------------------------------------------------------------------------------------

// One block per row of logits of the size of 64 * 1024 rows of a padded GPT-2 vocabulary.
__global__ void mark_rows(uint16_t* logits, int64_t V) {
    int64_t row = static_cast<int64_t>(blockIdx.x);
    if (threadIdx.x == 0) logits[row * V + V - 1] = static_cast<uint16_t>(blockIdx.x % 65521 + 1);
}
// The same with the mistake: 32 bits.
__global__ void mark_rows_32_bit(uint16_t* logits, int V) {
    int row = static_cast<int>(blockIdx.x);
    if (threadIdx.x == 0) logits[row * V + V - 1] = 1;
}

constexpr int64_t kRows = 64 * 1024, kVocabulary = 50304;

uint16_t* production_logits() {
    play("memory", "16384");
    play("blocks", "8");
    return new_memory<uint16_t>(static_cast<size_t>(kRows * kVocabulary));
}

void production() {
    start("production shapes");
    uint16_t* logits = production_logits();
    cudaStream_t stream = new_stream();
    expect(SN9_LAUNCH(mark_rows, kRows, 32, 0, stream, logits, kVocabulary) == SN9_OK, "launch");
    expect(check(cudaStreamSynchronize(stream), "run") == SN9_OK, "run");
    expect(logits[kVocabulary - 1] == 1, "the first block ran");
    expect(logits[kRows * kVocabulary - 1] == (kRows - 1) % 65521 + 1, "and the last one, 6.6 GB on");
}

// ---- numbers ------------------------------------------------------------------------------------------------------

void numbers() {
    start("numbers");
    for (uint32_t bits = 0; bits < 65536; bits++) {
        f16 half{static_cast<uint16_t>(bits)};
        float wide = to_float(half);
        if (std::isnan(wide))
            expect((bits & 0x7FFF) > 0x7C00 && from_float<f16>(wide).bits == 0x7FFF, "f16 NaN");
        else
            expect(from_float<f16>(wide).bits == bits && wide == static_cast<float>(std::bit_cast<_Float16>(half)),
                   "f16 there and back");
        bf16 b{static_cast<uint16_t>(bits)};
        if (!std::isnan(to_float(b))) expect(from_float<bf16>(to_float(b)).bits == bits, "bf16 there and back");
    }
    host::Random random{3};
    for (int i = 0; i < 100000; i++) {
        float v = __uint_as_float(static_cast<uint32_t>(random.next()));
        if (i % 2) v = static_cast<float>(static_cast<int64_t>(random.below(1 << 24)) - (1 << 23)) * 0x1p-30f;
        if (std::isnan(v)) continue;
        expect(from_float<f16>(v).bits == std::bit_cast<uint16_t>(static_cast<_Float16>(v)), "f16 to nearest even");
    }
    expect(from_float<bf16>(__uint_as_float(0x3F808000u)).bits == 0x3F80, "a tie goes to even");
    expect(from_float<bf16>(__uint_as_float(0x3F818000u)).bits == 0x3F82, "a tie goes to even");
    expect(from_float<bf16>(3.4e38f).bits == 0x7F80, "the largest becomes infinite");
    expect(pack_bf16(1.0f, -2.0f) == 0xC0003F80u, "two in a register");

    expect(__expf(1.5f) == expf(1.5f), "seed 0 leaves fast functions exact");
    play("seed", "4");
    int moved = 0;
    for (int i = 0; i < 100; i++) {
        float x = static_cast<float>(i) / 10 - 5, fast = __expf(x), exact = expf(x);
        int ulps = __float_as_int(fast) - __float_as_int(exact);
        expect(ulps >= -2 && ulps <= 2 && fast == __expf(x), "two units in the last place, always the same");
        moved += ulps != 0;
    }
    expect(moved > 50, "other seeds move them");
    expect(sn9_host_set("profile", "sm_75") != 0, "an unknown profile is refused");
    expect(sn9_host_set("seed", "x") != 0, "a seed that is no number is refused");
    expect(sn9_host_set("streams", "first") != 0, "an unknown order of streams is refused");
    play("seed", "0");
}

// ---- what ends the process ----------------------------------------------------------------------------------------

__global__ void write_behind(float* out, int n) {
    if (threadIdx.x <= static_cast<unsigned>(n)) out[threadIdx.x] = 1.0f;
}
__global__ void write_behind_shared(float* out, int at) {
    SN9_SHARED(float, first, 8);
    float* p = first;
    asm volatile("" : "+r"(p));  // the compiler shall not know the size
    p[at] = 1.0f;
    *out = p[0];
}
__global__ void write_behind_dynamic(float* out, int at) {
    SN9_DYNAMIC_SHARED(float, buffer, 40);
    buffer[at] = 1.0f;
    *out = buffer[0];
}
// Two blocks write the same place.
__global__ void race_of_blocks(float* out) {
    if (threadIdx.x == 0) *out += 1.0f;
}
// Lanes read what another lane wrote, with no __syncwarp in between: a shuffle orders no memory.
template <bool kSync>
__global__ void race_of_lanes(float* out) {
    SN9_SHARED(float, buffer, 32);
    int l = static_cast<int>(threadIdx.x);
    buffer[l] = static_cast<float>(l);
    float other = __shfl_xor_sync(kFullMask, 1.0f, 1);
    if (kSync) __syncwarp();
    out[l] = buffer[l ^ 1] + other;
}

// Two sums over the block with the same scratch, which block_sum gives back.
__global__ void sum_twice(float* out, const float* in) {
    SN9_SHARED(float, scratch, 4);
    float first = block_sum<4>(in[threadIdx.x], scratch);
    float second = block_sum<4>(in[threadIdx.x] * first, scratch);
    if (threadIdx.x == 0) out[blockIdx.x] = first + second;
}

template <typename... P, typename... A>
int run_alone(void (*kernel)(P...), int64_t grid, int64_t block, size_t shared, A... arguments) {
    cudaStream_t stream = new_stream();
    if (SN9_LAUNCH(kernel, grid, block, shared, stream, arguments...) != SN9_OK ||
        check(cudaStreamSynchronize(stream), "run") != SN9_OK)
        printf("%s\n", sn9_last_error());
    return failures;
}

int run_planted(const std::string& name) {
    start(name.c_str());
    float* out = new_memory<float>(128);
    float* in = new_memory(std::vector<float>(1024, 1.0f));
    if (name == "heap") return run_alone(write_behind, 1, 256, 0, out, 128);
    if (name == "shared") return run_alone(write_behind_shared, 1, 1, 0, out, 8);
    if (name == "dynamic") return run_alone(write_behind_dynamic, 1, 1, 40, out, 10);
    if (name == "overflow")
        return run_alone(mark_rows_32_bit, kRows, 32, 0, production_logits(), static_cast<int>(kVocabulary));
    if (name == "race_barrier") return run_alone(sum_block<false>, 1, 128, 0, out, in);
    if (name == "race_refill") return run_alone(pipeline<1, false>, 1, 128, 0, out, in, 5);
    if (name == "race_blocks") return run_alone(race_of_blocks, 2, 32, 0, out);
    if (name == "race_lanes") return run_alone(race_of_lanes<false>, 1, 32, 0, out);
    if (name == "no_race") {
        play("seed", "2");
        run_alone(sum_block<true>, 3, 128, 0, out, in);
        run_alone(sum_twice, 3, 128, 0, out, in);
        run_alone(pipeline<1, true>, 1, 128, 0, out, in, 5);
        return run_alone(race_of_lanes<true>, 1, 32, 0, out);
    }
    printf("unknown: %s\n", name.c_str());
    return 2;
}

}  // namespace

int main(int count, char** arguments) {
    if (count > 1) return run_planted(arguments[1]);
    barriers();
    divergence();
    warps();
    blocks();
    limits();
    alignment();
    background_copies();
    matrices();
    streams();
    memory_rules();
    capture();
    production();
    numbers();
    printf("cudahost_test: %d checks, %d failures\n", checks, failures);
    return failures ? 1 : 0;
}
