// layernorm: out = (x - mean) * rstd * w + bias per row, x = a + b; gradients; gelu beside it, elementwise as well.
// x, out, a, b, din, dout (N, C) of e bytes; mean, rstd (N) f32; w, bias, dw, db (C) f32. forward: =; backward: +=.
// bytes: forward 2*N*C*e + 8*N, with b 4*N*C*e + 8*N; recompute 2*N*C*e + 8*N; backward 4*N*C*e + 8*N; gelu 2*n*e.
// FLOPs: forward about 8*N*C, backward about 14*N*C. Memory bound.
// Launch: a warp per row, 8 rows per block, the row in registers. backward: at most 1,024 blocks whose warps walk the
// rows; each warp sums dw and db of its rows in shared memory; a second kernel adds the blocks' partial sums.
// Numerics: f32; x is rounded to its type first, so that recompute and backward see what forward saw; the variance is
// of the centred values. A row's result does not depend on N. dw and db: a warp's rows, the warps, then 16 interleaved
// slices of the blocks, all in fixed order: deterministic.
// Limits: C % 64 == 0, C <= 1,664; what lies in columns from true_C on does not matter, and comes out 0. din is neither
// dout nor in.
// workspace: backward blocks*2*C*4 bytes.
#include "gelu.cuh"
#include "launch.cuh"
#include "rows.cuh"
#include "workspace.cuh"

namespace sn9 {

namespace {

constexpr int kMaxBlocks = 1024;
constexpr int kSlices = 16;
constexpr int64_t kSharedBytes = 48 * 1024;

// (x - mean) * rstd, each step rounded: the forward pass, recompute and backward agree to the bit.
__device__ __forceinline__ float normalised(float x, float mean, float rstd) {
    return __fmul_rn(__fadd_rn(x, -mean), rstd);
}

// One vector of out, columns c to c + kVector - 1.
template <typename T>
__device__ __forceinline__ void store_normalised(T* out, const float (&x)[kVector<T>], float mean, float rstd,
                                                 const float* w, const float* bias, int c, int true_C) {
    float gain[kVector<T>], shift[kVector<T>], y[kVector<T>];
    load_floats(gain, w + c);
    load_floats(shift, bias + c);
#pragma unroll
    for (int i = 0; i < kVector<T>; i++) y[i] = __fmaf_rn(normalised(x[i], mean, rstd), gain[i], shift[i]);
    // Afterwards: with the padding left out above, the compiler loads the elements one by one, where they are needed.
    if (true_C - c < kVector<T>) {
#pragma unroll
        for (int i = 0; i < kVector<T>; i++)
            if (c + i >= true_C) y[i] = 0.0f;
    }
    store_vector(out + c, y);
}

// Vectors of a row of at most kColumns per lane.
template <typename T, int kColumns>
constexpr int kVectors = (kColumns + kWarpColumns<T> - 1) / kWarpColumns<T>;

template <typename T, int kColumns>
__global__ void __launch_bounds__(kRowThreads, 2)
    add_layernorm_forward_kernel(T* sum, T* out, float* mean, float* rstd, const T* a, const T* b,
                                 const float* __restrict__ w, const float* __restrict__ bias, float epsilon, int64_t N,
                                 int C, int true_C) {
    constexpr int kWidth = kVector<T>;
    int64_t row = static_cast<int64_t>(blockIdx.x) * kRowWarps + threadIdx.x / kWarp;
    if (row >= N) return;
    int first = static_cast<int>(threadIdx.x) % kWarp * kWidth;
    int64_t offset = row * C;
    uint4 x[kVectors<T, kColumns>];
    float total = 0;
#pragma unroll
    for (int k = 0; k < kVectors<T, kColumns>; k++) {
        int c = first + k * kWarpColumns<T>;
        x[k] = c < C ? load16<uint4>(a + offset + c) : make_uint4(0, 0, 0, 0);
    }
    if (b) {
#pragma unroll
        for (int k = 0; k < kVectors<T, kColumns>; k++) {
            int c = first + k * kWarpColumns<T>;
            if (c < C) {
                float left[kWidth], right[kWidth];
                unpack<T>(left, x[k]);
                load_vector(right, b + offset + c);
#pragma unroll
                for (int i = 0; i < kWidth; i++) left[i] = c + i < true_C ? left[i] + right[i] : 0.0f;
                x[k] = pack<T>(left);
                store16(sum + offset + c, x[k]);
            }
        }
    }
#pragma unroll
    for (int k = 0; k < kVectors<T, kColumns>; k++) {
        float v[kWidth];
        unpack<T>(v, x[k]);
#pragma unroll
        for (int i = 0; i < kWidth; i++) total += first + k * kWarpColumns<T> + i < true_C ? v[i] : 0.0f;
    }
    float m = warp_sum(total) / static_cast<float>(true_C);
    float squares = 0;
#pragma unroll
    for (int k = 0; k < kVectors<T, kColumns>; k++) {
        float v[kWidth];
        unpack<T>(v, x[k]);
#pragma unroll
        for (int i = 0; i < kWidth; i++) {
            float d = first + k * kWarpColumns<T> + i < true_C ? v[i] - m : 0.0f;
            squares += d * d;
        }
    }
    float r = 1.0f / sqrtf(warp_sum(squares) / static_cast<float>(true_C) + epsilon);
    if (first == 0) {
        mean[row] = m;
        rstd[row] = r;
    }
#pragma unroll
    for (int k = 0; k < kVectors<T, kColumns>; k++) {
        int c = first + k * kWarpColumns<T>;
        if (c < C) {
            float v[kWidth];
            unpack<T>(v, x[k]);
            store_normalised<T>(out + offset, v, m, r, w, bias, c, true_C);
        }
    }
}

template <typename T>
__global__ void __launch_bounds__(kRowThreads)
    layernorm_recompute_kernel(T* out, const T* in, const float* __restrict__ mean, const float* __restrict__ rstd,
                               const float* __restrict__ w, const float* __restrict__ bias, int64_t N, int C,
                               int true_C) {
    int64_t row = static_cast<int64_t>(blockIdx.x) * kRowWarps + threadIdx.x / kWarp;
    if (row >= N) return;
    float m = mean[row], r = rstd[row];
    for (int c = static_cast<int>(threadIdx.x) % kWarp * kVector<T>; c < C; c += kWarpColumns<T>) {
        float x[kVector<T>];
        load_vector(x, in + row * C + c);
        store_normalised<T>(out + row * C, x, m, r, w, bias, c, true_C);
    }
}

// din += r * (g w - mean(g w) - n * mean(g w n)), n = (x - m) r; partial[block] = sums of g n and of g, (2, C).
template <typename T, int kColumns>
__global__ void __launch_bounds__(kRowThreads)
    layernorm_backward_kernel(T* din, float* partial, const T* __restrict__ dout, const T* __restrict__ in,
                              const float* __restrict__ mean, const float* __restrict__ rstd,
                              const float* __restrict__ w, int64_t N, int C, int true_C) {
    constexpr int kWidth = kVector<T>;
    SN9_DYNAMIC_SHARED(float, sums, kSharedBytes);  // (warps, 2, C)
    int warps = static_cast<int>(blockDim.x) / kWarp, warp = static_cast<int>(threadIdx.x) / kWarp;
    int first = static_cast<int>(threadIdx.x) % kWarp * kWidth;
    float *dw_sum = sums + warp * 2 * C, *db_sum = dw_sum + C;
    const float zero[kWidth] = {};
    // Until the barrier every lane touches only its own columns of its warp's sums.
    for (int c = first; c < C; c += kWarpColumns<T>) {
        store_floats(dw_sum + c, zero);
        store_floats(db_sum + c, zero);
    }
    for (int64_t row = static_cast<int64_t>(blockIdx.x) * warps + warp; row < N;
         row += static_cast<int64_t>(gridDim.x) * warps) {
        int64_t offset = row * C;
        float m = mean[row], r = rstd[row];
        uint4 g[kVectors<T, kColumns>], x[kVectors<T, kColumns>];
#pragma unroll
        for (int k = 0; k < kVectors<T, kColumns>; k++) {
            int c = first + k * kWarpColumns<T>;
            g[k] = c < C ? load16<uint4>(dout + offset + c) : make_uint4(0, 0, 0, 0);
            x[k] = c < C ? load16<uint4>(in + offset + c) : make_uint4(0, 0, 0, 0);
        }
        float sum_g = 0, sum_gn = 0;
#pragma unroll
        for (int k = 0; k < kVectors<T, kColumns>; k++) {
            int c = first + k * kWarpColumns<T>;
            if (c < C) {
                float dy[kWidth], v[kWidth], gain[kWidth];
                unpack<T>(dy, g[k]);
                unpack<T>(v, x[k]);
                load_floats(gain, w + c);
#pragma unroll
                for (int i = 0; i < kWidth; i++) {
                    float gw = c + i < true_C ? dy[i] * gain[i] : 0.0f;
                    float n = c + i < true_C ? normalised(v[i], m, r) : 0.0f;
                    sum_g += gw;
                    sum_gn += gw * n;
                }
            }
        }
        float mean_g = warp_sum(sum_g) / static_cast<float>(true_C);
        float mean_gn = warp_sum(sum_gn) / static_cast<float>(true_C);
#pragma unroll
        for (int k = 0; k < kVectors<T, kColumns>; k++) {
            int c = first + k * kWarpColumns<T>;
            if (c < C) {
                float dy[kWidth], v[kWidth], gain[kWidth], d[kWidth], dw_part[kWidth], db_part[kWidth];
                unpack<T>(dy, g[k]);
                unpack<T>(v, x[k]);
                load_floats(gain, w + c);
                load_vector(d, din + offset + c);
                load_floats(dw_part, dw_sum + c);
                load_floats(db_part, db_sum + c);
#pragma unroll
                for (int i = 0; i < kWidth; i++) {
                    float n = normalised(v[i], m, r);
                    d[i] += c + i < true_C ? r * (dy[i] * gain[i] - mean_g - n * mean_gn) : 0.0f;
                    dw_part[i] += dy[i] * n;  // of padding too: layernorm_sum_kernel leaves those columns out
                    db_part[i] += dy[i];
                }
                store_vector(din + offset + c, d);
                store_floats(dw_sum + c, dw_part);
                store_floats(db_sum + c, db_part);
            }
        }
    }
    __syncthreads();
    for (int i = static_cast<int>(threadIdx.x); i < 2 * C; i += static_cast<int>(blockDim.x)) {
        float s = sums[i];
        for (int k = 1; k < warps; k++) s += sums[k * 2 * C + i];
        partial[static_cast<int64_t>(blockIdx.x) * 2 * C + i] = s;
    }
}

// dw, db += the blocks' partial sums, (blocks, 2, C). A block sums 32 neighbouring columns, a warp one slice of blocks.
__global__ void __launch_bounds__(kSlices* kWarp)
    layernorm_sum_kernel(float* dw, float* db, const float* __restrict__ partial, int blocks, int C, int true_C) {
    SN9_SHARED(float, slice_sums, kSlices* kWarp);
    int lane = static_cast<int>(threadIdx.x) % kWarp, slice = static_cast<int>(threadIdx.x) / kWarp;
    int column = static_cast<int>(blockIdx.x) * kWarp + lane;
    float s = 0;
#pragma unroll 8
    for (int block = slice; block < blocks; block += kSlices)
        s += partial[static_cast<int64_t>(block) * 2 * C + column];
    slice_sums[threadIdx.x] = s;
    __syncthreads();
    int c = column < C ? column : column - C;
    if (slice != 0 || c >= true_C) return;
    for (int k = 1; k < kSlices; k++) s += slice_sums[k * kWarp + lane];
    (column < C ? dw : db)[c] += s;
}

template <typename T>
__global__ void __launch_bounds__(kRowThreads) gelu_forward_kernel(T* out, const T* pre, int64_t n) {
    int64_t i = (static_cast<int64_t>(blockIdx.x) * kRowThreads + threadIdx.x) * kVector<T>;
    if (i + kVector<T> <= n) {
        float x[kVector<T>];
        load_vector(x, pre + i);
#pragma unroll
        for (int k = 0; k < kVector<T>; k++) x[k] = gelu(x[k]);
        store_vector(out + i, x);
    } else {
        for (; i < n; i++) out[i] = from_float<T>(gelu(to_float(pre[i])));
    }
}

// Calls function with the narrowest width of row that kernels exist for and C fits, or refuses C.
template <typename Function>
int32_t with_columns(const char* op, int64_t C, Function function) {
    if (C <= 384) return function(std::integral_constant<int, 384>{});
    if (C <= 768) return function(std::integral_constant<int, 768>{});
    if (C <= 1024) return function(std::integral_constant<int, 1024>{});
    if (C <= 1664) return function(std::integral_constant<int, 1664>{});
    return fail(SN9_UNSUPPORTED, "%s: C %lld, at most 1664", op, static_cast<long long>(C));
}

// Warps per block whose sums of dw and db fit the shared memory that needs no permission.
int64_t backward_warps(int64_t C) {
    int64_t fit = kSharedBytes / (2 * C * 4);
    return fit < kRowWarps ? fit : kRowWarps;
}

int64_t backward_blocks(int64_t N, int64_t C) {
    int64_t blocks = ceil_div(N, backward_warps(C));
    return blocks < kMaxBlocks ? blocks : kMaxBlocks;
}

}  // namespace

int64_t layernorm_workspace_bytes(int64_t N, int64_t C) {
    return backward_blocks(N, C) * 2 * C * 4;
}

}  // namespace sn9

int32_t sn9_add_layernorm_forward(sn9_context* context, void* sum, void* out, float* mean, float* rstd, const void* a,
                                  const void* b, const float* w, const float* bias, float epsilon, int64_t N, int64_t C,
                                  int64_t true_C) {
    if (int32_t status = sn9::expect_columns("add_layernorm_forward", C, true_C)) return status;
    SN9_EXPECT(N > 0 && (!b || sum) && sn9::all_aligned16(sum, out, a, b, w, bias),
               "add_layernorm_forward: N %lld, b without a place for the sum, or unaligned tensors",
               static_cast<long long>(N));
    return sn9::with_activation(context, [&](auto type) {
        using T = decltype(type);
        return sn9::with_columns("add_layernorm_forward", C, [&](auto columns) {
            return SN9_LAUNCH((sn9::add_layernorm_forward_kernel<T, columns()>), sn9::ceil_div(N, sn9::kRowWarps),
                              sn9::kRowThreads, 0, context, static_cast<T*>(sum), static_cast<T*>(out), mean, rstd,
                              static_cast<const T*>(a), static_cast<const T*>(b), w, bias, epsilon, N,
                              static_cast<int>(C), static_cast<int>(true_C));
        });
    });
}

int32_t sn9_layernorm_recompute(sn9_context* context, void* out, const void* in, const float* mean, const float* rstd,
                                const float* w, const float* bias, int64_t N, int64_t C, int64_t true_C) {
    if (int32_t status = sn9::expect_columns("layernorm_recompute", C, true_C)) return status;
    SN9_EXPECT(N > 0 && sn9::all_aligned16(out, in, w, bias), "layernorm_recompute: N %lld, or unaligned tensors",
               static_cast<long long>(N));
    return sn9::with_activation(context, [&](auto type) {
        using T = decltype(type);
        return SN9_LAUNCH(sn9::layernorm_recompute_kernel<T>, sn9::ceil_div(N, sn9::kRowWarps), sn9::kRowThreads, 0,
                          context, static_cast<T*>(out), static_cast<const T*>(in), mean, rstd, w, bias, N,
                          static_cast<int>(C), static_cast<int>(true_C));
    });
}

int32_t sn9_layernorm_backward(sn9_context* context, void* din, float* dw, float* db, const void* dout, const void* in,
                               const float* mean, const float* rstd, const float* w, int64_t N, int64_t C,
                               int64_t true_C) {
    if (int32_t status = sn9::expect_columns("layernorm_backward", C, true_C)) return status;
    SN9_EXPECT(N > 0 && sn9::all_aligned16(din, dw, db, dout, in, w),
               "layernorm_backward: N %lld, or unaligned tensors", static_cast<long long>(N));
    return sn9::with_activation(context, [&](auto type) {
        using T = decltype(type);
        return sn9::with_columns("layernorm_backward", C, [&](auto columns) {
            if (int32_t status =
                    sn9::expect_workspace(context, sn9::layernorm_workspace_bytes(N, C), "layernorm_backward"))
                return status;
            int64_t warps = sn9::backward_warps(C), blocks = sn9::backward_blocks(N, C);
            float* partial = reinterpret_cast<float*>(context->workspace);
            if (int32_t status = SN9_LAUNCH((sn9::layernorm_backward_kernel<T, columns()>), blocks, warps * sn9::kWarp,
                                            warps * 2 * C * 4, context, static_cast<T*>(din), partial,
                                            static_cast<const T*>(dout), static_cast<const T*>(in), mean, rstd, w, N,
                                            static_cast<int>(C), static_cast<int>(true_C)))
                return status;
            return SN9_LAUNCH(sn9::layernorm_sum_kernel, 2 * C / sn9::kWarp, sn9::kSlices * sn9::kWarp, 0, context, dw,
                              db, partial, static_cast<int>(blocks), static_cast<int>(C), static_cast<int>(true_C));
        });
    });
}

int32_t sn9_gelu_forward(sn9_context* context, void* out, const void* pre, int64_t n) {
    SN9_EXPECT(n >= 0 && sn9::all_aligned16(out, pre), "gelu_forward: n %lld, or unaligned tensors",
               static_cast<long long>(n));
    if (n == 0) return SN9_OK;
    return sn9::with_activation(context, [&](auto type) {
        using T = decltype(type);
        return SN9_LAUNCH(sn9::gelu_forward_kernel<T>, sn9::ceil_div(n, sn9::kRowThreads * sn9::kVector<T>),
                          sn9::kRowThreads, 0, context, static_cast<T*>(out), static_cast<const T*>(pre), n);
    });
}
