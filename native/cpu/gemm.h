// gemm: C (M, N) = A (M, K) * B (K, N), f32, with an epilogue; included by the kernels that multiply matrices.
//
// Method (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication"): A is packed into panels of kRows
// rows, B into panels of kColumns columns, and a register tile of kRows x kColumns runs down a block of kDepth of K.
// Numerics: an element is the sum over blocks of kDepth, in order, of sums over k, in order, with fused multiply-adds
// where the instruction set has them. So its bits depend on neither M, N, the tiling nor the number of threads.
// bytes: 4 * (M*K + K*N + M*N) at best; 2*M*N*K FLOPs.
#pragma once

#include "simd.h"

namespace {

#if SN9_WIDTH == 16
constexpr int kRows = 14;
#else
constexpr int kRows = 6;
#endif
constexpr int kColumns = 2 * W;
constexpr int64_t kDepth = 1024;
constexpr int64_t kMaxRows = 3072 / kRows * kRows;  // rows of A packed at once

// A matrix somewhere in memory: element (i, j) is p[i * rows + j * columns].
struct Matrix {
    const float* p;
    int64_t row_stride, column_stride;
};

// What happens to a finished sum v of row i, column j: v += bias[j]; pre[i, j] = v; v = activation(v) or
// v *= gelu'(derivative_of[i, j]); v += residual[i, j]. Null pointers are left out. Strides are those of C.
struct Epilogue {
    const float* bias = nullptr;
    float* pre = nullptr;
    bool gelu = false;
    const float* derivative_of = nullptr;
    const float* residual = nullptr;

    bool empty() const { return !bias && !pre && !gelu && !derivative_of && !residual; }
};

// A panel of whole rows whose columns lie side by side in memory, W columns at a time through registers. Returns how
// many columns are done: not the last, since a store of W lanes may reach into the rows of the column after it.
template <int panel>
inline int64_t pack_contiguous_rows(float* to, const Matrix& m, int64_t depth) {
    constexpr int squares = (panel + W - 1) / W;
    int64_t k = 0;
    for (; k + W < depth; k += W) {
        vfloat v[squares][W];
#pragma GCC unroll 16
        for (int s = 0; s < squares; s++) {
#pragma GCC unroll 16
            for (int r = 0; r < W; r++)
                v[s][r] = s * W + r < panel ? load(m.p + (s * W + r) * m.row_stride + k) : vfloat{};
            transpose(v[s]);
        }
#pragma GCC unroll 16
        for (int r = 0; r < W; r++)
#pragma GCC unroll 16
            for (int s = 0; s < squares; s++) store(to + (k + r) * panel + s * W, v[s][r]);
    }
    return k;
}

// One panel of `panel` rows by depth columns of m, transposed so that a column's rows lie side by side; rows from
// `rows` on are zero.
template <int panel>
inline void pack_panel(float* to, const Matrix& m, int64_t rows, int64_t depth) {
    if (rows == panel && m.row_stride == 1) {
        for (int64_t k = 0; k < depth; k++) memcpy(to + k * panel, m.p + k * m.column_stride, panel * sizeof(float));
        return;
    }
    int64_t done = rows == panel && m.column_stride == 1 ? pack_contiguous_rows<panel>(to, m, depth) : 0;
    for (int64_t k = done; k < depth; k++)
        for (int r = 0; r < panel; r++)
            to[k * panel + r] = r < rows ? m.p[r * m.row_stride + k * m.column_stride] : 0.0f;
}

// Rows that are packed together where they lie side by side in memory: whole lines of cache are used as they come, and
// the panels written at once, which lie a power of two apart, are few enough for the first cache's ways.
template <int panel>
constexpr int64_t kPackedTogether = (panel == kRows ? 24 : 96) / panel* panel;

// All panels of m (rows x depth).
template <int panel>
inline void pack(float* to, const Matrix& m, int64_t rows, int64_t depth) {
    int64_t r = 0;
    if (m.row_stride == 1)
        for (; r + kPackedTogether<panel> <= rows; r += kPackedTogether<panel>)
            for (int64_t k = 0; k < depth; k++) {
                const float* from = m.p + r + k * m.column_stride;
                float* at = to + r * depth + k * panel;
                for (int64_t p = 0; p < kPackedTogether<panel>; p += 16)
                    __builtin_prefetch(from + 8 * m.column_stride + p);
#pragma GCC unroll 32
                for (int64_t p = 0; p < kPackedTogether<panel>; p += panel)
                    memcpy(at + p * depth, from + p, panel * sizeof(float));
            }
    for (; r < rows; r += panel)
        pack_panel<panel>(to + r * depth, {m.p + r * m.row_stride, m.row_stride, m.column_stride},
                          rows - r < panel ? rows - r : panel, depth);
}

inline Matrix transposed(const Matrix& m) {
    return {m.p, m.column_stride, m.row_stride};
}

// A tile (kRows, kColumns), rows ld floats apart, = a panel times b panel over depth; += when add is set.
template <bool add = false>
inline void multiply_panels(float* __restrict tile, int64_t ld, const float* __restrict a, const float* __restrict b,
                            int64_t depth) {
    vfloat sums[kRows][2];
#pragma GCC unroll 16
    for (int r = 0; r < kRows; r++) sums[r][0] = sums[r][1] = vfloat{};
    for (int64_t k = 0; k < depth; k++) {
        vfloat b0 = load(b), b1 = load(b + W);
#pragma GCC unroll 16
        for (int r = 0; r < kRows; r++) {
            vfloat x = splat(a[r]);
            sums[r][0] += x * b0;
            sums[r][1] += x * b1;
        }
        a += kRows;
        b += kColumns;
    }
#pragma GCC unroll 16
    for (int r = 0; r < kRows; r++)
#pragma GCC unroll 2
        for (int half = 0; half < 2; half++) {
            float* to = tile + r * ld + half * W;
            store(to, add ? load(to) + sums[r][half] : sums[r][half]);
        }
}

// Moves a register tile of m x n into C at row i, column j, with the epilogue when this is the last block of K.
inline void finish_tile(const float* tile, float* C, int64_t ldc, int64_t i, int64_t j, int64_t m, int64_t n, bool add,
                        bool last, const Epilogue& epilogue) {
    auto finish = [&](int64_t r, int64_t c, int64_t lanes) __attribute__((always_inline)) {
        int64_t at = (i + r) * ldc + j + c;
        vfloat v = load(tile + r * kColumns + c);
        if (add) v += load_some(C + at, lanes);
        if (last) {
            if (epilogue.bias) v += load_some(epilogue.bias + j + c, lanes);
            if (epilogue.pre) store_some(epilogue.pre + at, v, lanes);
            if (epilogue.gelu) v = gelu(v);
            if (epilogue.derivative_of) v *= gelu_derivative(load_some(epilogue.derivative_of + at, lanes));
            if (epilogue.residual) v += load_some(epilogue.residual + at, lanes);
        }
        store_some(C + at, v, lanes);
    };
    for (int64_t r = 0; r < m; r++)
        if (n == kColumns) {
            finish(r, 0, W);
            finish(r, W, W);
        } else {
            for_each_vector(n, [&](int64_t c, int64_t lanes) { finish(r, c, lanes); });
        }
}

// Asks for the memory of a tile of C while its products are computed.
inline void prefetch_tile(const float* C, int64_t ldc, int64_t i, int64_t j, int64_t m) {
    const float* corner = C + i * ldc + j;
    for (int64_t r = 0; r < m; r++) {
        __builtin_prefetch(corner + r * ldc, 1);
        __builtin_prefetch(corner + r * ldc + kColumns - 1, 1);
    }
}

// A packed in panels of rows times B packed in panels of columns into C; a_step and b_step are the floats from one
// panel to the next.
inline void multiply_block(float* C, int64_t ldc, int64_t i, int64_t j, int64_t m, int64_t n, const float* a,
                           int64_t a_step, const float* b, int64_t b_step, int64_t depth, bool add, bool last,
                           const Epilogue& epilogue) {
    alignas(64) float tile[kRows * kColumns];
    bool plain = !last || epilogue.empty();
    for (int64_t c = 0; c < n; c += kColumns)
        for (int64_t r = 0; r < m; r += kRows) {
            int64_t rows = m - r < kRows ? m - r : kRows;
            prefetch_tile(C, ldc, i + r, j + c, rows);
            if (last && epilogue.pre) prefetch_tile(epilogue.pre, ldc, i + r, j + c, rows);
            if (last && epilogue.derivative_of) prefetch_tile(epilogue.derivative_of, ldc, i + r, j + c, rows);
            if (last && epilogue.residual) prefetch_tile(epilogue.residual, ldc, i + r, j + c, rows);
            const float *left = a + r / kRows * a_step, *right = b + c / kColumns * b_step;
            if (plain && rows == kRows && n - c >= kColumns) {
                float* to = C + (i + r) * ldc + j + c;
                add ? multiply_panels<true>(to, ldc, left, right, depth) : multiply_panels(to, ldc, left, right, depth);
                continue;
            }
            multiply_panels(tile, kColumns, left, right, depth);
            finish_tile(tile, C, ldc, i + r, j + c, rows, n - c < kColumns ? n - c : kColumns, add, last, epilogue);
        }
}

// Rows of A in the workspace: whole panels.
inline int64_t packed_rows(int64_t M) {
    return sn9::ceil_div(M < kMaxRows ? M : kMaxRows, kRows) * kRows;
}

inline int64_t gemm_bytes(int64_t M, int64_t K, int64_t N) {
    int64_t depth = K < kDepth ? K : kDepth;
    return (packed_rows(M) + sn9::ceil_div(N, kColumns) * kColumns) * depth * 4;
}

// C (M, N; ldc) = A * B, or += when add is set, with the epilogue. packed_b: all of B in panels of columns over all of
// K as pack_weight leaves it, or null. Everything C, pre and residual share one stride. Uses the shared workspace.
inline void gemm(const sn9_context& context, float* C, int64_t ldc, const Matrix& A, const Matrix& B,
                 const float* packed_b, int64_t M, int64_t N, int64_t K, bool add, const Epilogue& epilogue) {
    int64_t column_groups = sn9::ceil_div(N, kPackedTogether<kColumns>);
    float* a_block = reinterpret_cast<float*>(context.workspace);
    float* b_block = a_block + packed_rows(M) * (K < kDepth ? K : kDepth);
    // Tiles: small enough for the second cache, and enough of them for every thread. They do not touch the bits.
    int64_t tile_rows = 8 * kRows, tile_columns = 24 * kColumns;
    while (sn9::ceil_div(M, tile_rows) * sn9::ceil_div(N, tile_columns) < 4 * context.threads &&
           (tile_columns > 4 * kColumns || tile_rows > 4 * kRows)) {
        if (tile_columns > 4 * kColumns)
            tile_columns = sn9::round_up(tile_columns / 2, kColumns);
        else
            tile_rows = sn9::ceil_div(tile_rows / 2, kRows) * kRows;
    }
    int64_t tiles_across = sn9::ceil_div(N, tile_columns);
    // The next tile keeps its part of the larger operand in cache and moves on in the smaller one.
    bool down_first = N > M;
#pragma omp parallel num_threads(context.threads)
    for (int64_t m0 = 0; m0 < M; m0 += kMaxRows) {
        int64_t rows = M - m0 < kMaxRows ? M - m0 : kMaxRows;
        int64_t row_groups = sn9::ceil_div(rows, kPackedTogether<kRows>);
        int64_t tiles_down = sn9::ceil_div(rows, tile_rows), tiles = tiles_down * tiles_across;
        for (int64_t k0 = 0; k0 < K; k0 += kDepth) {
            int64_t depth = K - k0 < kDepth ? K - k0 : kDepth;
#pragma omp for schedule(static)
            for (int64_t p = 0; p < row_groups + (packed_b ? 0 : column_groups); p++) {
                if (p < row_groups) {
                    int64_t r = p * kPackedTogether<kRows>;
                    pack<kRows>(a_block + r * depth,
                                {A.p + (m0 + r) * A.row_stride + k0 * A.column_stride, A.row_stride, A.column_stride},
                                rows - r < kPackedTogether<kRows> ? rows - r : kPackedTogether<kRows>, depth);
                } else {
                    int64_t c = (p - row_groups) * kPackedTogether<kColumns>;
                    pack<kColumns>(b_block + c * depth,
                                   {B.p + c * B.column_stride + k0 * B.row_stride, B.column_stride, B.row_stride},
                                   N - c < kPackedTogether<kColumns> ? N - c : kPackedTogether<kColumns>, depth);
                }
            }
            const float* b = packed_b ? packed_b + k0 * kColumns : b_block;
            int64_t b_step = packed_b ? K * kColumns : depth * kColumns;
#pragma omp for schedule(dynamic, 1)
            for (int64_t t = 0; t < tiles; t++) {
                int64_t i = (down_first ? t % tiles_down : t / tiles_across) * tile_rows;
                int64_t j = (down_first ? t / tiles_down : t % tiles_across) * tile_columns;
                multiply_block(C, ldc, m0 + i, j, rows - i < tile_rows ? rows - i : tile_rows,
                               N - j < tile_columns ? N - j : tile_columns, a_block + i * depth, kRows * depth,
                               b + j / kColumns * b_step, b_step, depth, add || k0 > 0, k0 + depth == K, epilogue);
            }
        }
    }
}

}  // namespace
