// embed: out = wte[tokens] + wpe[t] and its gradient.  out, dout (N, C) of e bytes; wte (V, C) f32, in bf16 the packed
// bf16 copy; wpe (P, C) f32; dwte (V, C), dwpe (P, C) f32.
// forward: =; backward: dwte +=, dwpe +=, each element summed in the order of rows: the bits of a loop over rows.
// bytes: forward 3*N*C*e; backward 2*N*C*e + 8*(U + T)*C for U different tokens, and 50*N for the sort. Memory bound.
// Launch: forward a warp per row, 8 rows per block. backward: rows are sorted by token (sort_rows.cuh); then a warp per
// run of equal tokens and group of 128 (bf16: 256) columns walks the run's rows, several in flight; dwpe likewise, the
// "run" of a position being the same t of every sequence. No atomics.
// A token outside of [0, V) is the caller's mistake, found on the host where tokens are made. A kernel cannot return a
// status: here such a row becomes NaN, so that its loss is, and its gradient goes nowhere but dwpe.
// Limits: C % 64 == 0, N < 2^31. workspace: backward sort_workspace_bytes(N).
#include "launch.cuh"
#include "rows.cuh"
#include "sort_rows.cuh"
#include "workspace.cuh"

namespace sn9 {

namespace {

constexpr int kInFlight = 8;  // rows a lane loads before it adds them

template <typename Type>
__global__ void __launch_bounds__(kRowThreads)
    embed_forward_kernel(Type* out, const int32_t* __restrict__ tokens, const Type* __restrict__ wte,
                         const float* __restrict__ wpe, int64_t N, int T, int64_t V, int C) {
    int64_t row = static_cast<int64_t>(blockIdx.x) * kRowWarps + threadIdx.x / kWarp;
    if (row >= N) return;
    int64_t token = tokens[row], position = static_cast<uint32_t>(row) % static_cast<uint32_t>(T);
    bool word = token >= 0 && token < V;
    for (int c = static_cast<int>(threadIdx.x) % kWarp * kVector<Type>; c < C; c += kWarpColumns<Type>) {
        float x[kVector<Type>], at[kVector<Type>];
        load_vector(x, wte + (word ? token : 0) * C + c);
        load_floats(at, wpe + position * C + c);
#pragma unroll
        for (int i = 0; i < kVector<Type>; i++) x[i] = word ? x[i] + at[i] : __uint_as_float(0x7FFFFFFFu);  // NaN
        store_vector(out + row * C + c, x);
    }
}

template <typename Type>
__device__ __forceinline__ void add_vector(float (&to)[kVector<Type>], uint4 raw) {
    float x[kVector<Type>];
    unpack<Type>(x, raw);
#pragma unroll
    for (int i = 0; i < kVector<Type>; i++) to[i] += x[i];
}

// to += the vectors at column c of `count` rows, in order; row(j) is the j-th. All lanes of the warp take part.
template <typename Type, typename Row>
__device__ __forceinline__ void add_rows(float (&to)[kVector<Type>], const Type* dout, int c, int C, int count,
                                         Row row) {
    const Type* column = dout + (c < C ? c : 0);
    int j = 0;
    for (; j + kInFlight <= count; j += kInFlight) {  // all on their way before the first is added
        uint4 raw[kInFlight];
#pragma unroll
        for (int u = 0; u < kInFlight; u++) raw[u] = load16<uint4>(column + static_cast<int64_t>(row(j + u)) * C);
#pragma unroll
        for (int u = 0; u < kInFlight; u++) add_vector<Type>(to, raw[u]);
    }
    for (; j < count; j++) add_vector<Type>(to, load16<uint4>(column + static_cast<int64_t>(row(j)) * C));
}

// sorted: rows by token, N of them. Warp (run, group): the run that starts at that place of sorted, if one does.
template <typename Type>
__global__ void __launch_bounds__(kRowThreads, 4)
    embed_words_kernel(float* dwte, const Type* __restrict__ dout, const TokenRow* __restrict__ sorted, int64_t N,
                       int64_t V, int C, int groups) {
    int64_t warp = static_cast<int64_t>(blockIdx.x) * kRowWarps + threadIdx.x / kWarp;
    int64_t start = warp / groups;
    if (start >= N) return;
    int lane = static_cast<int>(threadIdx.x) % kWarp;
    int c = static_cast<int>(warp % groups) * kWarpColumns<Type> + lane * kVector<Type>;
    uint32_t token = sorted[start].token;
    if (token >= V || (start > 0 && sorted[start - 1].token == token)) return;
    float sum[kVector<Type>] = {};
    float* to = dwte + static_cast<int64_t>(token) * C + c;
    if (c < C) load_floats(sum, to);
    int count;
    do {  // 32 rows of the run at a time
        TokenRow mine = start + lane < N ? sorted[start + lane] : TokenRow{UINT32_MAX, 0};
        count = __popc(__ballot_sync(kFullMask, mine.token == token));
        add_rows<Type>(sum, dout, c, C, count, [&](int j) { return __shfl_sync(kFullMask, mine.row, j); });
        start += kWarp;
    } while (count == kWarp);
    if (c < C) store_floats(to, sum);
}

template <typename Type>
__global__ void __launch_bounds__(kRowThreads)
    embed_positions_kernel(float* dwpe, const Type* __restrict__ dout, int B, int64_t T, int C, int groups) {
    int64_t warp = static_cast<int64_t>(blockIdx.x) * kRowWarps + threadIdx.x / kWarp;
    int64_t t = warp / groups;
    if (t >= T) return;
    int c =
        static_cast<int>(warp % groups) * kWarpColumns<Type> + static_cast<int>(threadIdx.x) % kWarp * kVector<Type>;
    float sum[kVector<Type>] = {};
    if (c < C) load_floats(sum, dwpe + t * C + c);
    add_rows<Type>(sum, dout, c, C, B, [&](int b) { return b * T + t; });
    if (c < C) store_floats(dwpe + t * C + c, sum);
}

int32_t expect_sizes(const char* op, int64_t B, int64_t T, int64_t C) {
    if (int32_t status = expect_columns(op, C, C)) return status;
    SN9_EXPECT(B > 0 && T > 0 && B <= INT32_MAX / T, "%s: B %lld, T %lld", op, static_cast<long long>(B),
               static_cast<long long>(T));
    return SN9_OK;
}

}  // namespace

int64_t embed_workspace_bytes(int64_t N) {
    return sort_workspace_bytes(N);
}

}  // namespace sn9

int32_t sn9_embed_forward(sn9_context* context, void* out, const int32_t* tokens, const sn9_weight* wte,
                          const float* wpe, int64_t B, int64_t T, int64_t C) {
    SN9_OP_RANGE;
    if (int32_t status = sn9::expect_sizes("embed_forward", B, T, C)) return status;
    SN9_EXPECT(wte->cols == C, "embed_forward: wte has %lld columns, C is %lld", static_cast<long long>(wte->cols),
               static_cast<long long>(C));
    return sn9::with_activation(context, [&](auto type) {
        using Type = decltype(type);
        const void* words = wte->packed;
        if (!words && sizeof(Type) == 4) words = wte->source;
        SN9_EXPECT(words && sn9::all_aligned16(out, words, wpe),
                   "embed_forward: wte not prepared, or unaligned tensors");
        return SN9_LAUNCH(sn9::embed_forward_kernel<Type>, sn9::ceil_div(B * T, sn9::kRowWarps), sn9::kRowThreads, 0,
                          context, static_cast<Type*>(out), tokens, static_cast<const Type*>(words), wpe, B * T,
                          static_cast<int>(T), wte->rows, static_cast<int>(C));
    });
}

int32_t sn9_embed_backward(sn9_context* context, float* dwte, float* dwpe, const void* dout, const int32_t* tokens,
                           int64_t B, int64_t T, int64_t C, int64_t V) {
    SN9_OP_RANGE;
    if (int32_t status = sn9::expect_sizes("embed_backward", B, T, C)) return status;
    int64_t N = B * T;
    if (int32_t status = sn9::expect_workspace(context, sn9::embed_workspace_bytes(N), "embed_backward")) return status;
    SN9_EXPECT(V > 0 && V < INT32_MAX && sn9::all_aligned16(dwte, dwpe, dout),
               "embed_backward: V %lld, or unaligned tensors", static_cast<long long>(V));
    const sn9::TokenRow* sorted = nullptr;
    if (int32_t status = sn9::sort_rows(context, &sorted, tokens, N, V)) return status;
    return sn9::with_activation(context, [&](auto type) {
        using Type = decltype(type);
        int64_t groups = sn9::ceil_div(C, sn9::kWarpColumns<Type>);
        if (int32_t status = SN9_LAUNCH(sn9::embed_words_kernel<Type>, sn9::ceil_div(N * groups, sn9::kRowWarps),
                                        sn9::kRowThreads, 0, context, dwte, static_cast<const Type*>(dout), sorted, N,
                                        V, static_cast<int>(C), static_cast<int>(groups)))
            return status;
        return SN9_LAUNCH(sn9::embed_positions_kernel<Type>, sn9::ceil_div(T * groups, sn9::kRowWarps),
                          sn9::kRowThreads, 0, context, dwpe, static_cast<const Type*>(dout), static_cast<int>(B), T,
                          static_cast<int>(C), static_cast<int>(groups));
    });
}
