// linear: out = activation(in * w + bias) + residual and its gradients; matmul for measuring.
// in, din, pre of the input's gradient (N, C); out, pre, residual, dout (N, OC) in e-byte elements; w (C, OC) as
// weight.cuh; bias, db (OC), dw (C, OC) f32. forward: =; backward_input: = or +=; backward_weight: +=.
// bytes: (N*C + C*OC + N*OC)*e each way, plus what pre and residual add; backward_weight 8*C*OC for dw and N*OC*e again
// for db; 2*N*C*OC FLOPs each way. Compute bound. Launch geometry: gemm.cuh.
// dw sums over rows: where its tiles are too few for a device, k is cut into parts by a rule of the sizes, whose sums
// are added in order. db: sums of 256 rows each, then those in order.
// Numerics: f32 sums (gemm.cuh), deterministic; a row's bits do not depend on N. GELU sees the sum as pre keeps it.
// Limits: C % 16 == 0, OC % 16 == 0.
#include <algorithm>

#include "cublaslt.cuh"
#include "expect.cuh"
#include "gelu.cuh"
#include "gemm.cuh"
#include "weight.cuh"
#include "workspace.cuh"

namespace sn9 {
namespace {

// out = activation(sum + bias) + residual; pre = sum + bias.
template <typename T>
struct Forward {
    T* out;
    T* pre;             // or null
    const float* bias;  // or null
    const T* residual;  // or null
    int64_t OC;
    bool gelu;

    template <int kRun>
    __device__ __forceinline__ void operator()(int, int64_t row, int column, float (&run)[kRun]) const {
        int64_t at = row * OC + column;
        if (bias) {
            float more[kRun];
            load_vector(more, bias + column);
#pragma unroll
            for (int e = 0; e < kRun; e++) run[e] += more[e];
        }
        if (pre) store_vector(pre + at, run);
        if (gelu) {
#pragma unroll
            for (int e = 0; e < kRun; e++) run[e] = ::sn9::gelu(to_float(from_float<T>(run[e])));
        }
        if (residual) {
            float more[kRun];
            load_vector(more, residual + at);
#pragma unroll
            for (int e = 0; e < kRun; e++) run[e] += more[e];
        }
        store_vector(out + at, run);
    }
};

// din = sum * gelu'(pre), or += .
template <typename T>
struct InputGradient {
    T* din;
    const T* pre;  // or null
    int64_t C;
    bool add;

    template <int kRun>
    __device__ __forceinline__ void operator()(int, int64_t row, int column, float (&run)[kRun]) const {
        int64_t at = row * C + column;
        float other[kRun];
        if (pre) {
            load_vector(other, pre + at);
#pragma unroll
            for (int e = 0; e < kRun; e++) run[e] *= gelu_derivative(other[e]);
        }
        if (add) {
            load_vector(other, din + at);
#pragma unroll
            for (int e = 0; e < kRun; e++) run[e] += other[e];
        }
        store_vector(din + at, run);
    }
};

// Parts into which the rows are cut for dw: enough for some 256 blocks, none under 1,024 rows.
int64_t weight_parts(int64_t N, int64_t C, int64_t OC) {
    constexpr int64_t kBlocks = 256, kMostParts = 16, kLeastRows = 1024;
    int64_t tiles = ceil_div(C, 128) * ceil_div(OC, 128);
    return std::max<int64_t>(1, std::min({kBlocks / tiles, kMostParts, N / kLeastRows}));
}

// to += the parts, in order; four elements a thread.
__global__ void __launch_bounds__(256) add_parts_kernel(float* to, const float* parts, int64_t count, int64_t n) {
    int64_t i = (static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) * 4;
    if (i >= n) return;
    float sum[4] = {}, more[4];
    for (int64_t part = 0; part < count; part++) {
        load_vector(more, parts + part * n + i);
#pragma unroll
        for (int e = 0; e < 4; e++) sum[e] += more[e];
    }
    load_vector(more, to + i);
#pragma unroll
    for (int e = 0; e < 4; e++) more[e] += sum[e];
    store_vector(to + i, more);
}

constexpr int kSumRows = 256;  // rows of a partial column sum
constexpr int kSumLanes = 8;   // rows that a block reads at once, 32 threads each

// partial[b] = column sums of the rows from b*kSumRows on.
template <typename T>
__global__ void __launch_bounds__(32 * kSumLanes)
    column_sum_kernel(float* partial, const T* from, int64_t rows, int64_t columns) {
    SN9_SHARED(float, lane_sums, kSumLanes * 32 * kVector<T>);
    int64_t column = (static_cast<int64_t>(blockIdx.x) * 32 + threadIdx.x) * kVector<T>;
    int64_t first = static_cast<int64_t>(blockIdx.y) * kSumRows, end = min(rows, first + kSumRows);
    float sum[kVector<T>] = {}, more[kVector<T>];
    if (column < columns) {
        for (int64_t row = first + threadIdx.y; row < end; row += kSumLanes) {
            load_vector(more, from + row * columns + column);
#pragma unroll
            for (int e = 0; e < kVector<T>; e++) sum[e] += more[e];
        }
    }
    int slot = static_cast<int>(threadIdx.x) * kVector<T>;
    store_vector(lane_sums + static_cast<int>(threadIdx.y) * 32 * kVector<T> + slot, sum);
    __syncthreads();
    if (threadIdx.y == 0 && column < columns) {
        for (int lane = 1; lane < kSumLanes; lane++) {
            load_vector(more, lane_sums + lane * 32 * kVector<T> + slot);
#pragma unroll
            for (int e = 0; e < kVector<T>; e++) sum[e] += more[e];
        }
        store_vector(partial + static_cast<int64_t>(blockIdx.y) * columns + column, sum);
    }
}

template <typename T>
int32_t forward(const sn9_context* context, void* out, void* pre, const void* in, const sn9_weight* w,
                const float* bias, const void* residual, int32_t activation, int64_t N) {
    typedef Activation<T> E;
    int64_t C = w->rows, OC = w->cols;
    Forward<E> finish = {static_cast<E*>(out),  static_cast<E*>(pre), bias, static_cast<const E*>(residual), OC,
                         activation == SN9_GELU};
    return gemm<Layout::NN, T>(context, "linear_forward", {static_cast<const E*>(in), C, N}, weight_operand<T>(w, OC),
                               C, finish);
}

template <typename T>
int32_t backward_input(const sn9_context* context, T* din, const T* dout, const sn9_weight* w, const T* pre, bool add,
                       int64_t N) {
    int64_t C = w->rows, OC = w->cols;
    InputGradient<T> finish = {din, pre, C, add};
    return gemm<Layout::NT, T>(context, "linear_backward_input", {dout, OC, N}, weight_operand<T>(w, C), OC, finish);
}

template <typename T>
int32_t backward_weight(const sn9_context* context, float* dw, float* db, const T* in, const T* dout, int64_t N,
                        int64_t C, int64_t OC) {
    float* workspace = reinterpret_cast<float*>(context->workspace);
    Operand<T> a = {in, C, C}, b = {dout, OC, OC};
    int64_t parts = weight_parts(N, C, OC), n = C * OC;
    bool by_library = false;
    if constexpr (std::is_same_v<T, bf16>)
        if (int32_t status = cublaslt_linear_backward_weight(context, dw, in, dout, N, C, OC, &by_library))
            return status;
    if (by_library) {
        // dw has its sums.
    } else if (parts == 1) {
        Accumulate finish = {dw, OC};
        if (int32_t status = gemm<Layout::TN, T>(context, "linear_backward_weight", a, b, N, finish)) return status;
    } else {
        Assign<float> finish = {workspace, OC, n};
        if (int32_t status = gemm<Layout::TN, T>(context, "linear_backward_weight", a, b, N, finish, parts))
            return status;
        if (int32_t status =
                SN9_LAUNCH(add_parts_kernel, dim3(ceil_div(n, 1024)), dim3(256), 0, context, dw, workspace, parts, n))
            return status;
    }
    if (!db) return SN9_OK;
    int64_t blocks = ceil_div(N, kSumRows);
    if (int32_t status = SN9_LAUNCH(column_sum_kernel<T>, dim3(ceil_div(OC, 32 * kVector<T>), blocks),
                                    dim3(32, kSumLanes), 0, context, workspace, dout, N, OC))
        return status;
    return SN9_LAUNCH(add_parts_kernel, dim3(ceil_div(OC, 1024)), dim3(256), 0, context, db, workspace, blocks, OC);
}

}  // namespace

int64_t linear_workspace_bytes(int64_t N, int64_t C, int64_t OC) {
    int64_t parts = weight_parts(N, C, OC), sums = ceil_div(N, kSumRows) * OC;
    return 4 * std::max(parts == 1 ? 0 : parts * C * OC, sums);
}

}  // namespace sn9

using sn9::bf16;

int32_t sn9_linear_forward(sn9_context* context, void* out, void* pre, const void* in, const sn9_weight* w,
                           const float* bias, const void* residual, int32_t activation, int64_t N) {
    SN9_EXPECT(context && out && in && w && N > 0, "linear_forward: N %lld, or a null pointer",
               static_cast<long long>(N));
    SN9_EXPECT(!residual || residual != out, "linear_forward: residual is out");
    bool done = false;
    int32_t status = sn9::cublaslt_linear_forward(context, out, pre, in, w, bias, residual, activation, N, &done);
    if (status || done) return status;
    auto forward = context->precision == SN9_PRECISION_BF16 ? sn9::forward<bf16>
                   : sn9::is_split(context, w)              ? sn9::forward<sn9::Split>
                                                            : sn9::forward<float>;
    return forward(context, out, pre, in, w, bias, residual, activation, N);
}

int32_t sn9_linear_backward_input(sn9_context* context, void* din, const void* dout, const sn9_weight* w,
                                  const void* pre, int32_t activation, int32_t add, int64_t N) {
    SN9_EXPECT(context && din && dout && w && N > 0, "linear_backward_input: N %lld, or a null pointer",
               static_cast<long long>(N));
    SN9_EXPECT(activation == SN9_NO_ACTIVATION || pre, "linear_backward_input: an activation without pre");
    SN9_EXPECT(w->source, "linear_backward_input: the weight was prepared for evaluation only");
    if (activation == SN9_NO_ACTIVATION) pre = nullptr;
    bool done = false;
    int32_t status = sn9::cublaslt_linear_backward_input(context, din, dout, w, pre, add != 0, N, &done);
    if (status || done) return status;
    if (context->precision == SN9_PRECISION_BF16)
        return sn9::backward_input(context, static_cast<bf16*>(din), static_cast<const bf16*>(dout), w,
                                   static_cast<const bf16*>(pre), add != 0, N);
    return sn9::backward_input(context, static_cast<float*>(din), static_cast<const float*>(dout), w,
                               static_cast<const float*>(pre), add != 0, N);
}

int32_t sn9_linear_backward_weight(sn9_context* context, float* dw, float* db, const void* in, const void* dout,
                                   int64_t N, int64_t C, int64_t OC) {
    SN9_EXPECT(context && dw && in && dout && N > 0, "linear_backward_weight: N %lld, or a null pointer",
               static_cast<long long>(N));
    SN9_EXPECT(C > 0 && C % sn9::kHeadPadding == 0 && OC > 0 && OC % sn9::kHeadPadding == 0,
               "linear_backward_weight: C %lld, OC %lld are not padded", static_cast<long long>(C),
               static_cast<long long>(OC));
    if (int32_t status =
            sn9::expect_workspace(context, sn9::linear_workspace_bytes(N, C, OC), "linear_backward_weight"))
        return status;
    if (context->precision == SN9_PRECISION_BF16)
        return sn9::backward_weight(context, dw, db, static_cast<const bf16*>(in), static_cast<const bf16*>(dout), N, C,
                                    OC);
    return sn9::backward_weight(context, dw, db, static_cast<const float*>(in), static_cast<const float*>(dout), N, C,
                                OC);
}

int32_t sn9_matmul(sn9_context* context, float* out, const float* a, const float* b, int64_t M, int64_t K, int64_t N,
                   int32_t backend) {
    SN9_EXPECT(context && out && a && b && M > 0 && K > 0 && N > 0, "matmul: M %lld, K %lld, N %lld",
               static_cast<long long>(M), static_cast<long long>(K), static_cast<long long>(N));
    SN9_EXPECT(K % 8 == 0 && N % 4 == 0, "matmul: K %lld must be a multiple of 8 and N %lld of 4 on this device",
               static_cast<long long>(K), static_cast<long long>(N));
    if (backend != 0) return sn9::fail(SN9_UNSUPPORTED, "matmul: backend %d is of the CPU library", backend);
    sn9::Assign<float> finish = {out, N, 0};
    return sn9::gemm<sn9::Layout::NN, float>(context, "matmul", {a, K, M}, {b, N, N}, K, finish);
}
