// head_loss: cross-entropy of in * wte^T against targets, without an (N, V) array; its gradient; logits of some rows.
// in, din (N, C); wte, dwte (V, C); losses, targets (N). losses, din: =; dwte: +=. A negative target counts nothing.
// bytes: forward 4*(N*C + V*C) + 8*N; 2*N*V*C FLOPs forward, 6*N*V*C forward and backward. Compute bound.
// Forward: one task per kVocabulary tokens of the vocabulary, whose logits for kHeadRows rows stay in cache; each
// leaves a row's largest logit and its sum of exponentials, merged in the order of tiles. Backward: chunks of kChunk
// rows, whose logits become their own gradient in place; two matrix products follow.
// Numerics: f32, sums of exponentials relative to the tile's largest logit. Deterministic (gemm.h).
#include <omp.h>

#include "gemm.h"
#include "kernels.h"

namespace sn9::SN9_ISA {

namespace {

constexpr int64_t kVocabulary = 32 * kColumns;
constexpr int64_t kHeadRows = 16 * kRows;
constexpr int64_t kForwardRows = kMaxRows;
constexpr int64_t kChunk = 1024;

int64_t vocabulary_tiles(int64_t V) {
    return ceil_div(V, kVocabulary);
}

// The shared part of the workspace, after what gemm uses.
struct HeadWorkspace {
    float* rows;    // packed rows of in
    float* top;     // (rows, tiles) largest logit
    float* total;   // (rows, tiles) sum of exponentials
    float* target;  // (rows) logit of the target
    float* logits;  // (kChunk, V), training only
};

int64_t gemm_part(int64_t C, int64_t V) {
    int64_t a = gemm_bytes(kChunk, V, C), b = gemm_bytes(V, kChunk, C);
    return round_up(a > b ? a : b, kAlignment);
}

HeadWorkspace layout(const sn9_context& context, int64_t N, int64_t C, int64_t V, bool training) {
    HeadWorkspace w;
    w.rows = reinterpret_cast<float*>(context.workspace + (training ? gemm_part(C, V) : 0));
    w.top = w.rows + packed_rows(N) * C;
    w.total = w.top + N * vocabulary_tiles(V);
    w.target = w.total + N * vocabulary_tiles(V);
    w.logits = w.target + round_up(N, 16);
    return w;
}

// Logits of rows [0, N) of `in` against every tile of the vocabulary, reduced to top, total and target; kept in
// w.logits when keep is set. N at most kMaxRows.
void reduce_logits(const sn9_context& context, const HeadWorkspace& w, const float* in, const sn9_weight& wte,
                   const int32_t* targets, int64_t N, int64_t V, bool keep) {
    int64_t C = wte.cols, tiles = vocabulary_tiles(V), thread_bytes = head_thread_bytes(C);
    char* threads = context.workspace + head_workspace_bytes(N, C, V, keep);
#pragma omp parallel num_threads(context.threads)
    {
        float* tile = reinterpret_cast<float*>(threads + omp_get_thread_num() * thread_bytes);
        float* own_weights = tile + kHeadRows * kVocabulary;
#pragma omp for schedule(static)
        for (int64_t r = 0; r < N; r += kRows)
            pack_panel<kRows>(w.rows + r * C, {in + r * C, C, 1}, N - r < kRows ? N - r : kRows, C);
#pragma omp for schedule(dynamic, 1)
        for (int64_t v = 0; v < tiles; v++) {
            int64_t v0 = v * kVocabulary, columns = V - v0 < kVocabulary ? V - v0 : kVocabulary;
            const float* weights = static_cast<const float*>(wte.packed) + v0 * C;
            if (!wte.packed) {
                pack<kColumns>(own_weights, {wte.source + v0 * C, C, 1}, columns, C);
                weights = own_weights;
            }
            for (int64_t i0 = 0; i0 < N; i0 += kHeadRows) {
                int64_t rows = N - i0 < kHeadRows ? N - i0 : kHeadRows;
                float* logits = keep ? w.logits + i0 * V + v0 : tile;
                int64_t stride = keep ? V : kVocabulary;
                for (int64_t k0 = 0; k0 < C; k0 += kDepth) {
                    int64_t depth = C - k0 < kDepth ? C - k0 : kDepth;
                    multiply_block(logits, stride, 0, 0, rows, columns, w.rows + i0 * C + k0 * kRows, kRows * C,
                                   weights + k0 * kColumns, kColumns * C, depth, k0 > 0, k0 + depth == C, {});
                }
                for (int64_t i = 0; i < rows; i++) {
                    const float* row = logits + i * stride;
                    float top = largest(row, columns);
                    vfloat sums = vfloat{};
                    for_each_vector(columns, [&](int64_t c, int64_t lanes) {
                        vfloat e = exp(load_some(row + c, lanes) - top);
                        if (lanes < W)
                            for (int64_t k = lanes; k < W; k++) e[k] = 0;
                        sums += e;
                    });
                    w.top[(i0 + i) * tiles + v] = top;
                    w.total[(i0 + i) * tiles + v] = sum(sums);
                    int64_t target = targets[i0 + i] - v0;
                    if (target >= 0 && target < columns) w.target[i0 + i] = row[target];
                }
            }
        }
    }
}

// Log of the sum of exponentials of a row, from its tiles in order. An infinite or NaN logit ends in NaN.
float log_sum(const float* top, const float* total, int64_t tiles) {
    float highest = top[0];
    for (int64_t v = 1; v < tiles; v++) highest = top[v] > highest ? top[v] : highest;
    double s = 0;
    for (int64_t v = 0; v < tiles; v++)
        s += static_cast<double>(total[v]) * ::exp(static_cast<double>(top[v] - highest));
    return highest + static_cast<float>(log(s));
}

}  // namespace

int64_t head_thread_bytes(int64_t C) {
    return round_up((kHeadRows + C) * kVocabulary * 4, kAlignment);
}

int64_t head_workspace_bytes(int64_t N, int64_t C, int64_t V, bool training) {
    int64_t rows = training ? (N < kChunk ? N : kChunk) : (N < kForwardRows ? N : kForwardRows);
    int64_t floats =
        packed_rows(rows) * C + 2 * rows * vocabulary_tiles(V) + round_up(rows, 16) + (training ? rows * V : 0);
    return round_up((training ? gemm_part(C, V) : 0) + floats * 4, kAlignment);
}

void head_loss_forward(const sn9_context& context, float* losses, const float* in, const sn9_weight& wte,
                       const int32_t* targets, int64_t N, int64_t true_V) {
    int64_t C = wte.cols, V = true_V, tiles = vocabulary_tiles(V);
    for (int64_t i0 = 0; i0 < N; i0 += kForwardRows) {
        int64_t rows = N - i0 < kForwardRows ? N - i0 : kForwardRows;
        HeadWorkspace w = layout(context, rows, C, V, false);
        reduce_logits(context, w, in + i0 * C, wte, targets + i0, rows, V, false);
#pragma omp parallel for num_threads(context.threads) schedule(static)
        for (int64_t i = 0; i < rows; i++)
            losses[i0 + i] =
                targets[i0 + i] < 0 ? 0.0f : log_sum(w.top + i * tiles, w.total + i * tiles, tiles) - w.target[i];
    }
}

void head_loss_backward(const sn9_context& context, float* losses, float* din, float* dwte, const float* in,
                        const sn9_weight& wte, const int32_t* targets, float scale, int64_t N, int64_t true_V) {
    int64_t C = wte.cols, V = true_V, tiles = vocabulary_tiles(V);
    for (int64_t i0 = 0; i0 < N; i0 += kChunk) {
        int64_t rows = N - i0 < kChunk ? N - i0 : kChunk;
        HeadWorkspace w = layout(context, rows, C, V, true);
        reduce_logits(context, w, in + i0 * C, wte, targets + i0, rows, V, true);
#pragma omp parallel for num_threads(context.threads) schedule(static)
        for (int64_t i = 0; i < rows; i++) {
            float* row = w.logits + i * V;
            int32_t target = targets[i0 + i];
            if (target < 0) {
                losses[i0 + i] = 0;
                memset(row, 0, static_cast<size_t>(V) * 4);
                continue;
            }
            float log_total = log_sum(w.top + i * tiles, w.total + i * tiles, tiles);
            losses[i0 + i] = log_total - w.target[i];
            for_each_vector(V, [&](int64_t v, int64_t lanes) {
                store_some(row + v, exp(load_some(row + v, lanes) - log_total) * scale, lanes);
            });
            row[target] -= scale;
        }
        gemm(context, din + i0 * C, C, {w.logits, V, 1}, {wte.source, C, 1}, nullptr, rows, C, V, false, {});
        gemm(context, dwte, C, {w.logits, 1, V}, {in + i0 * C, C, 1}, nullptr, V, C, rows, true, {});
    }
}

void head_logits(const sn9_context& context, float* logits, const float* in, const sn9_weight& wte, const int32_t* rows,
                 int64_t n, int64_t true_V) {
    int64_t C = wte.cols, V = true_V;
    for (int64_t i = 0; i < n; i++)
        gemm(context, logits + i * V, V, {in + rows[i] * C, C, 1}, {wte.source, 1, C},
             static_cast<const float*>(wte.packed), 1, V, C, false, {});
}

}  // namespace sn9::SN9_ISA
