// probe_sm90: one tile by wgmma and one copy by a tensor map, on sm_90a alone; other code of these kernels traps, and
// the launcher refuses other devices. They teach layouts: which descriptor and which swizzle a device takes as we do.
//   wgmma_*     in a 64 x K, b 64 x K (bf16), d 64 x 64 (f32), row-major; out d + a * b^T. K is 16, but 64 for _128b,
//               where four products go along one row of the pattern
//   copy_box_*  in x and y of the box's first element and 120 bytes of nothing, then a tensor of 40 rows of 72 bf16;
//               out shared memory after the box at (x, y), and after the one at (x + 8, y - 3): 32 rows each
// Launch: 128 threads a case. Numerics: those of the instructions.
#include <cstring>

#include "common.cuh"
#include "expect.cuh"
#include "probe.cuh"
#include "ptx_sm90.cuh"

namespace sn9 {
namespace {

constexpr int kThreads = 128;
constexpr int kEdge = 64;  // of a tile

// Says whether this code was compiled for sm_90a.
__global__ void __launch_bounds__(kWarp) probe_is_sm90a_kernel(int* out) {
    if (threadIdx.x == 0) *out = SN9_SM90A;
}

template <Swizzle kSwizzle>
struct WgmmaTile {
    static constexpr int kDepth = kSwizzle == Swizzle::bytes128 ? 64 : 16;
    static constexpr int kBytes = kEdge * kDepth * 2;
    // Without a swizzle: pieces of 8 rows by 16 bytes, two along k and then the next 8 rows.
    static __device__ constexpr int leading() { return 128; }
    static __device__ constexpr int stride() {
        return kSwizzle == Swizzle::none ? 2 * leading() : 8 * swizzle_row(kSwizzle);
    }

    static __device__ __forceinline__ int place(int row, int chunk) {
        if constexpr (kSwizzle == Swizzle::none) return row / 8 * stride() + chunk * leading() + row % 8 * 16;
        return swizzled(kSwizzle, row * swizzle_row(kSwizzle) + chunk * 16);
    }
};

template <Swizzle kSwizzle>
__global__ void __launch_bounds__(kThreads) probe_wgmma_kernel(float* out, const unsigned char* in) {
#if SN9_SM90A
    using Tile = WgmmaTile<kSwizzle>;
    constexpr int kChunks = Tile::kDepth / 8, kShared = 2 * Tile::kBytes + kSwizzleAlignment;
    SN9_DYNAMIC_SHARED(unsigned char, unaligned, kShared);
    unsigned char* a = align_for_swizzle(unaligned);
    unsigned char* b = a + Tile::kBytes;
    const unsigned char* own = in + static_cast<int64_t>(blockIdx.x) * (2 * Tile::kBytes + kEdge * kEdge * 4);
    int thread = static_cast<int>(threadIdx.x), first_row = thread / 32 * 16 + thread % 32 / 4, column = thread % 4 * 2;
    for (int i = thread; i < kEdge * kChunks; i += kThreads) {
        int to = Tile::place(i / kChunks, i % kChunks);
        store16(a + to, load16<uint4>(own + i * 16));
        store16(b + to, load16<uint4>(own + Tile::kBytes + i * 16));
    }
    fence_proxy_async();
    __syncthreads();

    const float* sums = reinterpret_cast<const float*>(own + 2 * Tile::kBytes);
    float d[32];
#pragma unroll
    for (int i = 0; i < 32; i++) d[i] = sums[(first_row + i / 2 % 2 * 8) * kEdge + i / 4 * 8 + column + i % 2];
    wgmma_fence();
#pragma unroll
    for (int k = 0; k < Tile::kDepth / 16; k++)
        wgmma_bf16_m64n64k16(d, wgmma_descriptor(shared_address(a + k * 32), Tile::leading(), Tile::stride(), kSwizzle),
                             wgmma_descriptor(shared_address(b + k * 32), Tile::leading(), Tile::stride(), kSwizzle));
    wgmma_commit();
    wgmma_wait<0>();
    float* to = out + static_cast<int64_t>(blockIdx.x) * kEdge * kEdge;
#pragma unroll
    for (int i = 0; i < 32; i++) to[(first_row + i / 2 % 2 * 8) * kEdge + i / 4 * 8 + column + i % 2] = d[i];
#else
    __trap();
#endif
}

constexpr int kTensorRows = 40, kTensorColumns = 72, kBoxRows = 32;
constexpr int64_t kTensorOffset = 128, kTensorBytes = kTensorRows * kTensorColumns * 2;

// Elements of the box's rows: a row of the pattern, or 128 bytes.
__host__ __device__ constexpr int box_columns(Swizzle swizzle) {
    return swizzle == Swizzle::none ? 64 : swizzle_row(swizzle) / 2;
}

template <Swizzle kSwizzle>
__global__ void __launch_bounds__(kThreads)
    probe_copy_box_kernel(uint4* out, const int2* corner, const __grid_constant__ CUtensorMap map) {
#if SN9_SM90A
    constexpr int kBytes = kBoxRows * box_columns(kSwizzle) * 2, kShared = kBytes + kSwizzleAlignment;
    SN9_DYNAMIC_SHARED(unsigned char, unaligned, kShared);
    SN9_SHARED(uint64_t, barrier, 1);
    unsigned char* box = align_for_swizzle(unaligned);
    if (threadIdx.x == 0) mbarrier_init(barrier, 1);
    __syncthreads();
    for (uint32_t round = 0; round < 2; round++) {
        if (threadIdx.x == 0) {
            mbarrier_arrive_expect(barrier, kBytes);
            copy_box_2d(box, &map, corner->x + static_cast<int>(round) * 8, corner->y - static_cast<int>(round) * 3,
                        barrier);
        }
        mbarrier_wait(barrier, round);
        for (int i = static_cast<int>(threadIdx.x); i < kBytes / 16; i += kThreads)
            out[static_cast<int>(round) * kBytes / 16 + i] = load16<uint4>(box + i * 16);
        fence_proxy_async();  // the next copy comes after these reads
        __syncthreads();
    }
#else
    __trap();
#endif
}

// ---- launches
// --------------------------------------------------------------------------------------------------------

template <Swizzle kSwizzle>
constexpr Probe wgmma(const char* name) {
    using Tile = WgmmaTile<kSwizzle>;
    return {name, 2 * Tile::kBytes + kEdge * kEdge * 4, kEdge * kEdge * 4,
            [](sn9_context* context, void* out, const void* in, int64_t cases) {
                if (int32_t failed = expect_sm90a(context, "wgmma")) return failed;
                return SN9_LAUNCH(probe_wgmma_kernel<kSwizzle>, cases, kThreads, 2 * Tile::kBytes + kSwizzleAlignment,
                                  context, static_cast<float*>(out), static_cast<const unsigned char*>(in));
            }};
}

// The driver's function, found without linking against the driver.
int32_t find_encoder(decltype(&cuTensorMapEncodeTiled)* encode) {
    constexpr unsigned kSince = 12000;
    void* found = nullptr;
    cudaDriverEntryPointQueryResult result{};
    if (int32_t failed = check(
            cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &found, kSince, cudaEnableDefault, &result),
            "cuTensorMapEncodeTiled"))
        return failed;
    if (!found || result != cudaDriverEntryPointSuccess)
        return fail(SN9_UNSUPPORTED, "the driver has no cuTensorMapEncodeTiled: update it to 525 or newer");
    *encode = reinterpret_cast<decltype(&cuTensorMapEncodeTiled)>(found);
    return SN9_OK;
}

template <Swizzle kSwizzle>
int32_t copy_boxes(sn9_context* context, void* out, const void* in, int64_t cases) {
    static_assert(static_cast<int>(CU_TENSOR_MAP_SWIZZLE_32B) == 1 && static_cast<int>(Swizzle::bytes32) == 3,
                  "the map's numbers run the other way");
    constexpr int kBytes = kBoxRows * box_columns(kSwizzle) * 2;
    if (int32_t failed = expect_sm90a(context, "copy_box")) return failed;
    decltype(&cuTensorMapEncodeTiled) encode = nullptr;
    if (int32_t failed = find_encoder(&encode)) return failed;
    const cuuint64_t sizes[] = {kTensorColumns, kTensorRows}, strides[] = {kTensorColumns * 2};
    const cuuint32_t box[] = {static_cast<cuuint32_t>(box_columns(kSwizzle)), kBoxRows}, steps[] = {1, 1};
    constexpr int kMode = kSwizzle == Swizzle::none ? 0 : 4 - static_cast<int>(kSwizzle);
    for (int64_t i = 0; i < cases; i++) {
        const char* own = static_cast<const char*>(in) + i * (kTensorOffset + kTensorBytes);
        CUtensorMap map;
        CUresult result =
            encode(&map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 2, const_cast<char*>(own + kTensorOffset), sizes, strides,
                   box, steps, CU_TENSOR_MAP_INTERLEAVE_NONE, static_cast<CUtensorMapSwizzle>(kMode),
                   CU_TENSOR_MAP_L2_PROMOTION_NONE, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
        if (result != CUDA_SUCCESS)
            return fail(SN9_DEVICE_FAILED, "cuTensorMapEncodeTiled: error %d", static_cast<int>(result));
        if (int32_t failed = SN9_LAUNCH(probe_copy_box_kernel<kSwizzle>, 1, kThreads, kBytes + kSwizzleAlignment,
                                        context, reinterpret_cast<uint4*>(static_cast<char*>(out) + i * 2 * kBytes),
                                        reinterpret_cast<const int2*>(own), map))
            return failed;
    }
    return SN9_OK;
}

template <Swizzle kSwizzle>
constexpr Probe copy_box(const char* name) {
    return {name, kTensorOffset + kTensorBytes, 2 * kBoxRows * box_columns(kSwizzle) * 2, copy_boxes<kSwizzle>};
}

const Probe kProbes[] = {
    wgmma<Swizzle::none>("wgmma_plain"),          wgmma<Swizzle::bytes32>("wgmma_32b"),
    wgmma<Swizzle::bytes128>("wgmma_128b"),       copy_box<Swizzle::none>("copy_box_plain"),
    copy_box<Swizzle::bytes32>("copy_box_32b"),   copy_box<Swizzle::bytes64>("copy_box_64b"),
    copy_box<Swizzle::bytes128>("copy_box_128b"),
};

}  // namespace

const Probe* find_sm90_probe(const char* name) {
    for (const Probe& probe : kProbes)
        if (!strcmp(probe.name, name)) return &probe;
    return nullptr;
}

int32_t expect_sm90a(sn9_context* context, const char* name) {
    if (context->compute_capability != 90)
        return fail(SN9_UNSUPPORTED, "%s needs sm_90a, this device is sm_%d", name, context->compute_capability);
    void* memory = nullptr;
    if (int32_t failed = sn9_alloc(context, sizeof(int), &memory)) return failed;
    int is_sm90a = 0;
    int32_t status = SN9_LAUNCH(probe_is_sm90a_kernel, 1, kWarp, 0, context, static_cast<int*>(memory));
    if (status == SN9_OK) status = sn9_download(context, &is_sm90a, memory, sizeof is_sm90a);
    if (status == SN9_OK) status = sn9_synchronize(context);
    cudaFree(memory);
    if (status != SN9_OK) return status;
    if (!is_sm90a)
        return fail(SN9_UNSUPPORTED, "%s needs sm_90a, which this library was not compiled for, or its PTX is forced",
                    name);
    return SN9_OK;
}

}  // namespace sn9
