// head_loss: losses = -log softmax(in * wte^T)[targets] per row, without an (N, V) array; its gradient; some logits.
// in, din (N, C) in e-byte elements; wte (V, C) as weight.cuh; losses, logits, dwte f32; targets (N) i32. losses, din:
// =; dwte: +=. A negative target counts nothing; one that is no word makes its loss NaN. Only the first true_V rows of
// wte are words. bytes: forward (N*C + V*C)*e + 8*N, and in reach of L2 in once per 2,048 words; 2*N*V*C FLOPs,
// backward 6*N*V*C and 4*V*(4 + e) per row. Compute bound. Forward: one block per 128 rows and 2,048 words runs through
// their tiles (gemm_simt.cuh, gemm_mma.cuh), keeping each row's largest logit and its sum of exponentials; a thread per
// row merges these in order. The target's logit is picked in passing. Backward: chunks of kChunk rows by the same
// kernel, which keeps the logits in f32; they become their gradient in place, in e-byte elements, and two matrix
// products follow. Numerics: f32 logits, also with bf16 operands. Deterministic; the training loss has the bits of
// evaluation; a row's bits do not depend on N. Limits: C % 64 == 0, V % 128 == 0, true_V <= V. Source of the method:
// Wijmans et al., "Cut your losses in large-vocabulary language models", arXiv 2411.09009.
#include <algorithm>

#include "expect.cuh"
#include "gemm.cuh"
#include "weight.cuh"
#include "workspace.cuh"

namespace sn9 {
namespace {

constexpr int kSplitWords = 2048;  // that a block runs through, in whole tiles
constexpr int64_t kChunk = 4096;   // rows whose logits are in memory at once: 0.8 GB at V = 50,304
constexpr int kGradientThreads = 256;
constexpr float kLowest = -3.402823466e38f;  // of f32: below every logit, and no infinity

// What the blocks leave per row and part of the vocabulary. Part p of row i is at p * rows + i.
struct Partials {
    float* tops;     // (parts, rows) largest logit
    float* totals;   // (parts, rows) sum of exp(logit - top)
    float* targets;  // (rows) the target's logit
    int64_t rows;
};

int64_t splits(int64_t true_V) {
    return ceil_div(true_V, kSplitWords);
}

// One row and part: joins (top, total) of a tile to what is there.
__device__ __forceinline__ void join(float& top, float& total, float tile_top, float tile_total) {
    float highest = fmaxf(top, tile_top);
    total = total * expf(top - highest) + tile_total * expf(tile_top - highest);
    top = highest;
}

// Blocks per processor that the compiler is asked for. For sm_120 it spills registers to fit a second one of the f32
// kernel that keeps its logits.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 1200
template <typename Tile, bool kKeep>
constexpr int kHeadBlocks = kKeep&& std::is_same_v<Tile, SimtTile<Layout::NT>> ? 1 : Tile::kBlocksPerSm;
#else
template <typename Tile, bool kKeep>
constexpr int kHeadBlocks = Tile::kBlocksPerSm;
#endif

// logits: (rows up to whole tiles, V), null unless kKeep.
template <typename Tile, bool kKeep>
__global__ void __launch_bounds__(Tile::kThreads, kHeadBlocks<Tile, kKeep>)
    head_loss_kernel(Partials partials, float* logits, typename Tile::Left in, typename Tile::Right wte,
                     const int32_t* targets, int32_t C, int32_t true_V) {
    SN9_DYNAMIC_SHARED(unsigned char, shared, Tile::kSharedBytes);
    // Of the tile's rows, per part of its columns; until the last barrier only their owner touches them.
    SN9_SHARED(float, tops, Tile::kColumnParts* Tile::kRows);
    SN9_SHARED(float, totals, Tile::kColumnParts* Tile::kRows);
    // Of the tile's rows: the target, and its logit once a tile has it.
    SN9_SHARED(int, wanted, Tile::kRows);
    SN9_SHARED(float, picked, Tile::kRows);
    const bool owner = threadIdx.x % Tile::kLanesPerRow == 0;
    const int row0 = static_cast<int>(blockIdx.x) * Tile::kRows, place = Tile::column_part() * Tile::kRows;
    const int begin = static_cast<int>(blockIdx.y) * kSplitWords, end = min(begin + kSplitWords, true_V);
    if (owner) {
#pragma unroll
        for (int i = 0; i < Tile::kOwnRows; i++) {
            tops[place + Tile::own_row(i)] = kLowest;
            totals[place + Tile::own_row(i)] = 0.0f;
        }
    }
    if (threadIdx.x < Tile::kRows) {
        const int row = row0 + static_cast<int>(threadIdx.x);
        wanted[threadIdx.x] = row < in.count ? targets[row] : -1;
    }
    __syncthreads();
    for (int column0 = begin; column0 < end; column0 += Tile::kColumns) {
        Tile tile;
        tile.clear();
        tile.multiply(shared, in, wte, row0, column0, 0, C);
        if constexpr (kKeep) {
            tile.for_each_run([&](int row, int column, auto& run) {
                store_vector(logits + (row0 + row) * wte.count + column0 + column, run);
            });
        }
        const int first = column0 + Tile::own_column();
        if (column0 + Tile::kColumns > end) {
#pragma unroll
            for (int i = 0; i < Tile::kOwnRows; i++) {
#pragma unroll
                for (int j = 0; j < Tile::kOwnColumns; j++)
                    if (first + Tile::column_offset(j) >= end) tile.at(i, j) = -INFINITY;
            }
        }
#pragma unroll
        for (int i = 0; i < Tile::kOwnRows; i++) {
            const int row = Tile::own_row(i), target = wanted[row] - first;
            float top = kLowest, total = 0.0f;
#pragma unroll
            for (int j = 0; j < Tile::kOwnColumns; j++) {
                top = fmaxf(top, tile.at(i, j));
                if (target == Tile::column_offset(j)) picked[row] = tile.at(i, j);
            }
#pragma unroll
            for (int lanes = 1; lanes < Tile::kLanesPerRow; lanes *= 2)
                top = fmaxf(top, __shfl_xor_sync(kFullMask, top, lanes));
#pragma unroll
            for (int j = 0; j < Tile::kOwnColumns; j++) total += expf(tile.at(i, j) - top);
#pragma unroll
            for (int lanes = 1; lanes < Tile::kLanesPerRow; lanes *= 2)
                total += __shfl_xor_sync(kFullMask, total, lanes);
            if (owner) join(tops[place + row], totals[place + row], top, total);
        }
    }
    __syncthreads();
    // Not row0, which would be held in a register until here.
    const int thread_row = static_cast<int>(blockIdx.x) * Tile::kRows + static_cast<int>(threadIdx.x);
    if (threadIdx.x >= Tile::kRows || thread_row >= in.count) return;
    for (int p = 0; p < Tile::kColumnParts; p++) {
        int64_t part = static_cast<int64_t>(blockIdx.y) * Tile::kColumnParts + p;
        partials.tops[part * partials.rows + thread_row] = tops[p * Tile::kRows + threadIdx.x];
        partials.totals[part * partials.rows + thread_row] = totals[p * Tile::kRows + threadIdx.x];
    }
    if (wanted[threadIdx.x] >= begin && wanted[threadIdx.x] < end) partials.targets[thread_row] = picked[threadIdx.x];
}

// Merges a row's parts in order into part 0, and its loss from them; a thread per row.
__global__ void __launch_bounds__(256)
    head_merge_kernel(float* losses, Partials partials, const int32_t* targets, int64_t parts, int32_t true_V) {
    int64_t row = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (row >= partials.rows) return;
    float top = kLowest, total = 0.0f;
    for (int64_t part = 0; part < parts; part++)
        join(top, total, partials.tops[part * partials.rows + row], partials.totals[part * partials.rows + row]);
    partials.tops[row] = top;
    partials.totals[row] = total;
    int32_t target = targets[row];
    if (target < 0)
        losses[row] = 0.0f;
    else
        losses[row] = target < true_V ? top - partials.targets[row] + logf(total) : NAN;
}

// A row of f32 logits becomes loss_scale * (softmax - target) in elements of T, which fill the front of its memory;
// a block per row. Columns from true_V on become 0.
template <typename T>
__global__ void __launch_bounds__(kGradientThreads)
    head_gradient_kernel(float* logits, Partials partials, const int32_t* targets, const sn9_step* step, int64_t V,
                         int32_t true_V) {
    const int64_t row = blockIdx.x;
    float* from = logits + row * V;
    T* to = reinterpret_cast<T*>(from);
    const int32_t target = targets[row];
    const float top = partials.tops[row], factor = 1.0f / partials.totals[row];
    const float scale = target < 0 ? 0.0f : step->loss_scale;
    constexpr int kRun = 8, kRound = kRun * kGradientThreads;
    for (int column0 = 0; column0 < V; column0 += kRound) {
        int column = column0 + static_cast<int>(threadIdx.x) * kRun;
        float run[kRun] = {};
        if (column < V) load_vector(run, from + column);
        // What is written in this round lies no further than what has been read, by everyone, until now.
        __syncthreads();
#pragma unroll
        for (int e = 0; e < kRun; e++) {
            float probability = column + e < true_V ? expf(run[e] - top) * factor : 0.0f;
            float wanted = column + e == target ? 1.0f : 0.0f;
            run[e] = target < 0 ? 0.0f : (probability - wanted) * scale;
        }
        if (column < V) store_vector(to + column, run);
    }
}

// logits[i, v] = in[rows[i]] . wte[v]; a warp per word, 8 a block, and a block row per i.
template <typename T>
__global__ void __launch_bounds__(256)
    head_logits_kernel(float* logits, const T* in, const T* wte, const int32_t* rows, int64_t C, int32_t true_V) {
    int word = static_cast<int>(blockIdx.x) * 8 + static_cast<int>(threadIdx.x) / kWarp;
    if (word >= true_V) return;  // a whole warp
    const T* x = in + rows[blockIdx.y] * C;
    const T* y = wte + word * C;
    float sum = 0.0f;
    for (int64_t c = threadIdx.x % kWarp * kVector<T>; c < C; c += kWarp * kVector<T>) {
        float a[kVector<T>], b[kVector<T>];
        load_vector(a, x + c);
        load_vector(b, y + c);
#pragma unroll
        for (int e = 0; e < kVector<T>; e++) sum = fmaf(a[e], b[e], sum);
    }
    sum = warp_sum(sum);
    if (threadIdx.x % kWarp == 0) logits[static_cast<int64_t>(blockIdx.y) * true_V + word] = sum;
}

int64_t floats_rounded(int64_t n) {
    return round_up(n, 64);
}

// The workspace: partials, and the logits of a chunk behind them.
template <typename T>
int64_t parts_of(int64_t true_V) {
    return splits(true_V) * Tile<Layout::NT, T>::kColumnParts;
}
Partials place_partials(const sn9_context* context, int64_t parts, int64_t rows) {
    float* floats = reinterpret_cast<float*>(context->workspace);
    float* totals = floats + floats_rounded(parts * rows);
    return {floats, totals, totals + floats_rounded(parts * rows), rows};
}
float* place_logits(const Partials& partials) {
    return partials.targets + floats_rounded(partials.rows);
}
template <typename T>
int64_t workspace_bytes(int64_t N, int64_t V, bool training) {
    int64_t rows = training ? std::min(N, kChunk) : N;
    return 4 * (2 * floats_rounded(parts_of<T>(V) * rows) + floats_rounded(rows) +
                (training ? round_up(rows, 128) * V : 0));
}

// The losses of `in`, and in training its logits, which stay in the workspace with the merged partials.
template <typename T, bool kKeep>
int32_t losses_of(const sn9_context* context, const Partials& partials, float* losses, const Activation<T>* in,
                  const sn9_weight* wte, const int32_t* targets, int64_t true_V) {
    typedef Tile<Layout::NT, T> Tile;
    int64_t C = wte->cols, N = partials.rows;
    typename Tile::Left a = {in, C, N};
    typename Tile::Right b = weight_operand<T>(wte, wte->rows);
    auto kernel = head_loss_kernel<Tile, kKeep>;
    const char* op = kKeep ? "head_loss_backward" : "head_loss_forward";
    if (int32_t status = allow_shared(op, kernel, Tile::kSharedBytes)) return status;
    if (int32_t status =
            launch(op, kernel, dim3(ceil_div(N, Tile::kRows), splits(true_V)), dim3(Tile::kThreads), Tile::kSharedBytes,
                   stream_of(context), partials, kKeep ? place_logits(partials) : nullptr, a, b, targets, C, true_V))
        return status;
    return SN9_LAUNCH(head_merge_kernel, dim3(ceil_div(N, 256)), dim3(256), 0, context, losses, partials, targets,
                      parts_of<T>(true_V), true_V);
}

template <typename T>
int32_t head_loss_forward(const sn9_context* context, float* losses, const void* in, const sn9_weight* wte,
                          const int32_t* targets, int64_t N, int64_t true_V) {
    Partials partials = place_partials(context, parts_of<T>(true_V), N);
    return losses_of<T, false>(context, partials, losses, static_cast<const Activation<T>*>(in), wte, targets, true_V);
}

template <typename T>
int32_t head_loss_backward(const sn9_context* context, float* losses, T* din, float* dwte, const T* in,
                           const sn9_weight* wte, const int32_t* targets, const sn9_step* step, int64_t N,
                           int64_t true_V) {
    int64_t C = wte->cols, V = wte->rows;
    for (int64_t i0 = 0; i0 < N; i0 += kChunk) {
        int64_t rows = std::min(N - i0, kChunk);
        Partials partials = place_partials(context, parts_of<T>(true_V), rows);
        float* logits = place_logits(partials);
        if (int32_t status = losses_of<T, true>(context, partials, losses + i0, in + i0 * C, wte, targets + i0, true_V))
            return status;
        if (int32_t status = SN9_LAUNCH(head_gradient_kernel<T>, dim3(rows), dim3(kGradientThreads), 0, context, logits,
                                        partials, targets + i0, step, V, true_V))
            return status;
        // A row keeps the memory of its f32 logits.
        const T* dlogits = reinterpret_cast<const T*>(logits);
        int64_t stride = V * static_cast<int64_t>(sizeof(float) / sizeof(T));
        Assign<T> assign = {din + i0 * C, C, 0};
        if (int32_t status = gemm<Layout::NN, T>(context, "head_loss_backward_input", {dlogits, stride, rows},
                                                 weight_operand<T>(wte, C), V, assign))
            return status;
        Accumulate accumulate = {dwte, C};
        if (int32_t status = gemm<Layout::TN, T>(context, "head_loss_backward_weight", {dlogits, stride, V},
                                                 {in + i0 * C, C, C}, rows, accumulate))
            return status;
    }
    return SN9_OK;
}

template <typename T>
int32_t head_logits(const sn9_context* context, float* logits, const T* in, const sn9_weight* wte, const int32_t* rows,
                    int64_t n, int64_t true_V) {
    return SN9_LAUNCH(head_logits_kernel<T>, dim3(ceil_div(true_V, 8), n), dim3(256), 0, context, logits, in,
                      weight_data<T>(wte), rows, wte->cols, true_V);
}

int32_t expect_head(const sn9_weight* wte, int64_t N, int64_t true_V, const char* op) {
    typedef long long ll;
    SN9_EXPECT(wte && wte->kind == SN9_EMBEDDING_WEIGHT, "%s: the weight is no embedding", op);
    SN9_EXPECT(wte->rows % kVocabularyPadding == 0 && wte->cols % kChannelPadding == 0,
               "%s: wte [%lld, %lld] is not padded to multiples of [%lld, %lld]", op, (ll)wte->rows, (ll)wte->cols,
               (ll)kVocabularyPadding, (ll)kChannelPadding);
    SN9_EXPECT(true_V > 0 && true_V <= wte->rows, "%s: true_V is %lld, wte has %lld rows", op, (ll)true_V,
               (ll)wte->rows);
    SN9_EXPECT(N > 0, "%s: %lld rows", op, (ll)N);
    return SN9_OK;
}

}  // namespace

int64_t head_loss_workspace_bytes(const sn9_context* context, int64_t N, int64_t V, bool training) {
    auto bytes = [&](auto element) {
        int64_t evaluation = workspace_bytes<decltype(element)>(N, V, false);
        return training ? std::max(evaluation, workspace_bytes<decltype(element)>(N, V, true)) : evaluation;
    };
    if (context->precision == SN9_PRECISION_BF16) return bytes(bf16{});
    return context->split ? std::max(workspace_bytes<Split>(N, V, false), bytes(float{})) : bytes(float{});
}

}  // namespace sn9

using sn9::bf16;

int32_t sn9_head_loss_forward(sn9_context* context, float* losses, const void* in, const sn9_weight* wte,
                              const int32_t* targets, int64_t N, int64_t true_V) {
    const char* op = "head_loss_forward";
    SN9_EXPECT(context && losses && in && targets, "%s: null argument", op);
    if (int32_t status = sn9::expect_head(wte, N, true_V, op)) return status;
    if (int32_t status =
            sn9::expect_workspace(context, sn9::head_loss_workspace_bytes(context, N, wte->rows, false), op))
        return status;
    auto forward = context->precision == SN9_PRECISION_BF16 ? sn9::head_loss_forward<bf16>
                   : sn9::is_split(context, wte)            ? sn9::head_loss_forward<sn9::Split>
                                                            : sn9::head_loss_forward<float>;
    return forward(context, losses, in, wte, targets, N, true_V);
}

int32_t sn9_head_loss_backward(sn9_context* context, float* losses, void* din, float* dwte, const void* in,
                               const sn9_weight* wte, const int32_t* targets, const sn9_step* step, int64_t N,
                               int64_t true_V) {
    const char* op = "head_loss_backward";
    SN9_EXPECT(context && losses && din && dwte && in && targets && step, "%s: null argument", op);
    if (int32_t status = sn9::expect_head(wte, N, true_V, op)) return status;
    SN9_EXPECT(wte->source, "%s: the weight was prepared for evaluation only", op);
    if (int32_t status =
            sn9::expect_workspace(context, sn9::head_loss_workspace_bytes(context, N, wte->rows, true), op))
        return status;
    if (context->precision == SN9_PRECISION_BF16)
        return sn9::head_loss_backward(context, losses, static_cast<bf16*>(din), dwte, static_cast<const bf16*>(in),
                                       wte, targets, step, N, true_V);
    return sn9::head_loss_backward(context, losses, static_cast<float*>(din), dwte, static_cast<const float*>(in), wte,
                                   targets, step, N, true_V);
}

int32_t sn9_head_logits(sn9_context* context, float* logits, const void* in, const sn9_weight* wte, const int32_t* rows,
                        int64_t n, int64_t true_V) {
    const char* op = "head_logits";
    SN9_EXPECT(context && logits && in && rows, "%s: null argument", op);
    if (int32_t status = sn9::expect_head(wte, n, true_V, op)) return status;
    SN9_EXPECT(n <= 65535, "%s: %lld rows at once, at most 65535", op, static_cast<long long>(n));
    if (context->precision == SN9_PRECISION_BF16)
        return sn9::head_logits(context, logits, static_cast<const bf16*>(in), wte, rows, n, true_V);
    return sn9::head_logits(context, logits, static_cast<const float*>(in), wte, rows, n, true_V);
}
