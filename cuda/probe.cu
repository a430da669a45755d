// probe: each wrapper of ptx.cuh and each helper of common.cuh alone, so that a test can feed it corners (sn9_probe.h).
// A case is one warp's registers, lane after lane, or one element. Nothing of a training step runs here.
//   elements: expf, ..., pack_bf16     in one element, out one; 256 threads a block
//   mma_bf16_m16n8k16                  in d[4], a[4], b[2] of every lane; out d[4]
//   ldmatrix_*                         in 32 rows of 16 bytes, then the row whose address each lane gives; out r[4]
//   cp_async_zfill                     in 16 bytes, then one of CopyKind, of every lane; out the 16 bytes that arrived
//   cp_async_groups                    in 3 x 16 bytes of every lane; out what is there after wait_group 2, 1 and 0
//   shuffle                            in a value and a lane; out 8 exchanges. ballot: in a word; out 4 votes
//   warp_sum, block_sum                in a float of every thread; out the sum of every thread
// Launch: a warp a case, except for elements and block_sum. Numerics: those of the instructions, which the test states.
#include "sn9_probe.h"

#include <cstring>

#include "common.cuh"
#include "expect.cuh"
#include "probe_elements.cuh"
#include "ptx.cuh"

namespace sn9 {
namespace {

// ---- matrices -------------------------------------------------------------------------------------------------------

__global__ void __launch_bounds__(kWarp) probe_mma_kernel(float* out, const uint32_t* in) {
    const uint32_t* own = in + (static_cast<int64_t>(blockIdx.x) * kWarp + threadIdx.x) * 10;
    float d[4];
    uint32_t a[4], b[2];
#pragma unroll
    for (int i = 0; i < 4; i++) d[i] = __uint_as_float(own[i]), a[i] = own[4 + i];
#pragma unroll
    for (int i = 0; i < 2; i++) b[i] = own[8 + i];
    mma_bf16_m16n8k16(d, a, b);
#pragma unroll
    for (int i = 0; i < 4; i++) out[(static_cast<int64_t>(blockIdx.x) * kWarp + threadIdx.x) * 4 + i] = d[i];
}

struct LdmatrixCase {
    uint4 rows[32];
    uint32_t row_of_lane[kWarp];
};

template <int kMatrices, bool kTranspose>
__global__ void __launch_bounds__(kWarp) probe_ldmatrix_kernel(uint4* out, const LdmatrixCase* in) {
    SN9_SHARED(uint4, rows, 32);
    const LdmatrixCase& own = in[blockIdx.x];
    rows[threadIdx.x] = own.rows[threadIdx.x];
    __syncthreads();
    const void* row = rows + own.row_of_lane[threadIdx.x] % 32;
    uint32_t r[4] = {};
    if constexpr (kMatrices == 4) {
        if constexpr (kTranspose)
            ldmatrix_x4_trans(r, row);
        else
            ldmatrix_x4(r, row);
    } else {
        if constexpr (kTranspose)
            ldmatrix_x2_trans(r, row);
        else
            ldmatrix_x2(r, row);
    }
    out[blockIdx.x * kWarp + threadIdx.x] = make_uint4(r[0], r[1], r[2], r[3]);
}

// ---- background copies
// ------------------------------------------------------------------------------------------------

// How a lane copies: with zeros for the bytes it names, with zeros for an address far outside of any array, or plainly.
enum CopyKind : uint32_t { kCopyZeros = 0, kCopy = 1, kCopyZerosOutside = 2, kCopyPlain = 3 };
constexpr int64_t kFarOutside = int64_t{1} << 40;
constexpr uint32_t kBefore = 0xA5A5A5A5u;  // what shared memory holds before a copy

struct CopyCase {
    uint4 bytes[kWarp];
    uint32_t kind[kWarp];
};

__global__ void __launch_bounds__(kWarp) probe_cp_async_kernel(uint4* out, const CopyCase* in) {
    SN9_SHARED(uint4, arrived, kWarp);
    const CopyCase& own = in[blockIdx.x];
    uint32_t kind = own.kind[threadIdx.x];
    arrived[threadIdx.x] = make_uint4(kBefore, kBefore, kBefore, kBefore);
    const char* from = reinterpret_cast<const char*>(own.bytes + threadIdx.x);
    if (kind == kCopyPlain)
        cp_async_16(arrived + threadIdx.x, from);
    else
        cp_async_16_zfill(arrived + threadIdx.x, kind == kCopyZerosOutside ? from + kFarOutside : from, kind == kCopy);
    cp_async_commit();
    cp_async_wait<0>();
    __syncthreads();
    int neighbour = static_cast<int>(threadIdx.x) ^ 1;  // another thread's: what the barrier behind the wait shows
    out[blockIdx.x * kWarp + neighbour] = arrived[neighbour];
}

// A group is there once at most so many younger ones are under way, and a commit without copies is a group, too.
__global__ void __launch_bounds__(kWarp) probe_cp_async_groups_kernel(uint4* out, const uint4* in) {
    SN9_SHARED(uint4, arrived, 3 * kWarp);
    const uint4* own = in + static_cast<int64_t>(blockIdx.x) * 3 * kWarp;
    uint4* to = out + static_cast<int64_t>(blockIdx.x) * 3 * kWarp;
    int lane = static_cast<int>(threadIdx.x);
#pragma unroll
    for (int i = 0; i < 3; i++) arrived[i * kWarp + lane] = make_uint4(kBefore, kBefore, kBefore, kBefore);
    cp_async_16(arrived + lane, own + lane);
    cp_async_commit();
    cp_async_16(arrived + kWarp + lane, own + kWarp + lane);
    cp_async_commit();
    cp_async_commit();
    cp_async_wait<2>();
    to[lane] = arrived[lane];
    cp_async_wait<1>();
    to[kWarp + lane] = arrived[kWarp + lane];
    cp_async_16(arrived + 2 * kWarp + lane, own + 2 * kWarp + lane);
    cp_async_commit();
    cp_async_wait<0>();
    to[2 * kWarp + lane] = arrived[2 * kWarp + lane];
}

// ---- exchanges and sums
// ----------------------------------------------------------------------------------------------

__global__ void __launch_bounds__(kWarp) probe_shuffle_kernel(uint32_t* out, const uint2* in) {
    uint2 own = in[blockIdx.x * kWarp + threadIdx.x];
    uint32_t* to = out + (static_cast<int64_t>(blockIdx.x) * kWarp + threadIdx.x) * 8;
    to[0] = __shfl_sync(kFullMask, own.x, static_cast<int>(own.y));
#pragma unroll
    for (int i = 0; i < 5; i++) to[1 + i] = __shfl_xor_sync(kFullMask, own.x, 1 << i);
    to[6] = __shfl_up_sync(kFullMask, own.x, 1);
    to[7] = __shfl_up_sync(kFullMask, own.x, 16);
}

__global__ void __launch_bounds__(kWarp) probe_ballot_kernel(uint4* out, const uint32_t* in) {
    int predicate = static_cast<int>(in[blockIdx.x * kWarp + threadIdx.x]);
    unsigned votes = __ballot_sync(kFullMask, predicate);
    out[blockIdx.x * kWarp + threadIdx.x] =
        make_uint4(votes, static_cast<unsigned>(__any_sync(kFullMask, predicate)), static_cast<unsigned>(__popc(votes)),
                   static_cast<unsigned>(__ffs(static_cast<int>(votes))));
}

template <int kWarps>
__global__ void __launch_bounds__(kWarps* kWarp) probe_sum_kernel(float* out, const float* in) {
    int64_t i = static_cast<int64_t>(blockIdx.x) * kWarps * kWarp + threadIdx.x;
    if constexpr (kWarps == 1) {
        out[i] = warp_sum(in[i]);
    } else {
        SN9_SHARED(float, scratch, kWarps);
        out[i] = block_sum<kWarps>(in[i], scratch);
    }
}

// ---- the table
// -------------------------------------------------------------------------------------------------------

template <auto* kKernel, typename Out, typename In>
constexpr Probe warps(const char* name, int64_t in_bytes, int64_t out_bytes, void (*)(Out*, const In*)) {
    return {name, in_bytes, out_bytes, [](sn9_context* context, void* out, const void* in, int64_t cases) {
                return SN9_LAUNCH(kKernel, cases, kWarp, 0, context, static_cast<Out*>(out),
                                  static_cast<const In*>(in));
            }};
}

#define SN9_PROBE_WARPS(name, kernel, in_bytes, out_bytes) warps<kernel>(name, in_bytes, out_bytes, kernel)

const Probe kProbes[] = {
    elements<Exp2Approx>("exp2_approx"),
    elements<Exp>("expf"),
    elements<Log>("logf"),
    elements<Sqrt>("sqrtf"),
    elements<Rsqrt>("rsqrtf"),
    elements<Gelu>("gelu"),
    elements<GeluDerivative>("gelu_derivative"),
    elements<Divide>("fdiv_rn"),
    elements<Fma>("fmaf_rn"),
    elements<ToBf16>("to_bf16"),
    elements<FromBf16>("from_bf16"),
    elements<ToF16>("to_f16"),
    elements<FromF16>("from_f16"),
    elements<PackBf16>("pack_bf16"),
    elements<SplitPair>("split_pair"),
    {"bf16x8", 16, 16,
     [](sn9_context* context, void* out, const void* in, int64_t n) {
         return SN9_LAUNCH(probe_bf16x8_kernel, ceil_div(n, kElementThreads), kElementThreads, 0, context,
                           static_cast<bf16*>(out), static_cast<const bf16*>(in), n);
     }},
    SN9_PROBE_WARPS("mma_bf16_m16n8k16", probe_mma_kernel, kWarp * 40, kWarp * 16),
    SN9_PROBE_WARPS("ldmatrix_x4", (probe_ldmatrix_kernel<4, false>), sizeof(LdmatrixCase), kWarp * 16),
    SN9_PROBE_WARPS("ldmatrix_x4_trans", (probe_ldmatrix_kernel<4, true>), sizeof(LdmatrixCase), kWarp * 16),
    SN9_PROBE_WARPS("ldmatrix_x2", (probe_ldmatrix_kernel<2, false>), sizeof(LdmatrixCase), kWarp * 16),
    SN9_PROBE_WARPS("ldmatrix_x2_trans", (probe_ldmatrix_kernel<2, true>), sizeof(LdmatrixCase), kWarp * 16),
    SN9_PROBE_WARPS("cp_async_zfill", probe_cp_async_kernel, sizeof(CopyCase), kWarp * 16),
    SN9_PROBE_WARPS("cp_async_groups", probe_cp_async_groups_kernel, 3 * kWarp * 16, 3 * kWarp * 16),
    SN9_PROBE_WARPS("shuffle", probe_shuffle_kernel, kWarp * 8, kWarp * 32),
    SN9_PROBE_WARPS("ballot", probe_ballot_kernel, kWarp * 4, kWarp * 16),
    SN9_PROBE_WARPS("warp_sum", probe_sum_kernel<1>, kWarp * 4, kWarp * 4),
    {"block_sum", 8 * kWarp * 4, 8 * kWarp * 4,
     [](sn9_context* context, void* out, const void* in, int64_t cases) {
         return SN9_LAUNCH(probe_sum_kernel<8>, cases, 8 * kWarp, 0, context, static_cast<float*>(out),
                           static_cast<const float*>(in));
     }},
};

const Probe* find(const char* name) {
    for (const Probe& probe : kProbes)
        if (!strcmp(probe.name, name)) return &probe;
    return find_sm90_probe(name);
}

// Device memory until the end of a call. What a fault leaves of it is not worth a message in the fault's place.
struct Memory {
    void* first = nullptr;
    ~Memory() {
        if (first) cudaFree(first);
    }
};

}  // namespace
}  // namespace sn9

int32_t sn9_probe(sn9_context* context, const char* name, const void* in, int64_t in_bytes, void* out,
                  int64_t out_bytes) {
    SN9_EXPECT(context && name && in && out, "probe: null argument");
    const sn9::Probe* probe = sn9::find(name);
    if (!probe) return sn9::fail(SN9_BAD_ARGUMENT, "probe: there is none called %s", name);
    int64_t cases = in_bytes / probe->in_bytes;
    SN9_EXPECT(cases >= 1 && in_bytes == cases * probe->in_bytes && out_bytes == cases * probe->out_bytes,
               "probe %s: %lld bytes in and %lld out, expected as many cases of %lld and of %lld", name,
               static_cast<long long>(in_bytes), static_cast<long long>(out_bytes),
               static_cast<long long>(probe->in_bytes), static_cast<long long>(probe->out_bytes));
    sn9::Memory source, result;
    if (int32_t failed = sn9_alloc(context, in_bytes, &source.first)) return failed;
    if (int32_t failed = sn9_alloc(context, out_bytes, &result.first)) return failed;
    if (int32_t failed = sn9_upload(context, source.first, in, in_bytes)) return failed;
    if (int32_t failed = probe->run(context, result.first, source.first, cases)) return failed;
    if (int32_t failed = sn9_download(context, out, result.first, out_bytes)) return failed;
    return sn9_synchronize(context);
}
