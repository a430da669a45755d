// attention: causal softmax(q k^T * scale) v per head, from packed qkv, and its gradient.
// qkv, dqkv (B, T, 3*NH*HS); out, dout (B, T, NH*HS); lse (B, NH, T). forward and backward: =.
// bytes: forward 16*N*C + 4*B*NH*T; about 2*N*T*C FLOPs causal forward, 5*N*T*C backward. Compute bound.
// One task per (batch, head). Forward: keys and values are packed once, queries go by blocks of kQueries rows whose
// scores against all their keys stay in cache; out is divided by the row's sum at the end. Backward: blocks of kKeys
// keys, whose dk and dv gather in cache while the blocks of queries that see them go by; dq gathers over the blocks of
// keys. What lies above the diagonal is not computed, but for the corner of a block. Numerics: plain two-pass softmax
// in f32 of queries that were scaled beforehand; the backward pass recomputes the probabilities from lse.
// Deterministic: a head belongs to one thread and sums run in the order of rows.
#include <omp.h>

#include "gemm.h"
#include "kernels.h"
#include "random.h"

namespace sn9::SN9_ISA {

namespace {

constexpr int64_t kQueries = (W == 16 ? 7 : 16) * kRows;
constexpr int64_t kKeys = 256;
static_assert(kKeys % kColumns == 0);

// Where one head of one sequence lies.
struct Head {
    int64_t T, HS, width;  // width: floats from one row of qkv to the next
    float scale;
    const float *q, *k, *v;
    const DropoutMask* mask;  // null without dropout
    uint64_t first_element;   // of this head's (T, T) probabilities in the mask

    Matrix rows(const float* of) const { return {of, width, 1}; }
    Matrix columns(const float* of) const { return {of, 1, width}; }
};

// Floats of n columns, or rows of a left operand, in whole panels.
int64_t padded_columns(int64_t n) {
    return ceil_div(n, kColumns) * kColumns;
}
int64_t padded_rows(int64_t n) {
    return ceil_div(n, kRows) * kRows;
}

// The heads of one call, and scratch that their thread hands out in the order of use.
struct Heads {
    const float* qkv;
    const DropoutMask* mask;
    float scale;
    int64_t T, NH, HS;

    Head of(int64_t task) const {
        int64_t C = NH * HS;
        const float* q = qkv + task / NH * T * 3 * C + task % NH * HS;
        return {T, HS, 3 * C, scale, q, q + C, q + 2 * C, mask, static_cast<uint64_t>(task * T * T)};
    }
};

struct Scratch {
    float* next;
    float* take(int64_t floats) {
        float* taken = next;
        next += floats;
        return taken;
    }
};

Scratch thread_scratch(const sn9_context& context, int64_t bytes) {
    return {reinterpret_cast<float*>(context.workspace + omp_get_thread_num() * bytes)};
}

// n rows of queries as left operand, times the scale.
void pack_queries(float* to, const Head& head, int64_t q0, int64_t n) {
    pack<kRows>(to, head.rows(head.q + q0 * head.width), n, head.HS);
    for_each_vector(padded_rows(n) * head.HS, [&](int64_t i, int64_t lanes) {
        store_some(to + i, load_some(to + i, lanes) * head.scale, lanes);
    });
}

// How many of the keys from k0 on query q sees, at most `keys`.
int64_t seen(int64_t q, int64_t k0, int64_t keys) {
    int64_t n = q + 1 - k0;
    return n < 0 ? 0 : n < keys ? n : keys;
}

// Applies the mask to rows of probabilities from query q0 and key k0 on; stride: floats from one row to the next.
void drop(float* P, int64_t stride, const Head& head, int64_t q0, int64_t rows, int64_t k0, int64_t keys) {
    if (!head.mask) return;
    for (int64_t i = 0; i < rows; i++)
        head.mask->apply(P + i * stride, head.first_element + static_cast<uint64_t>((q0 + i) * head.T + k0),
                         seen(q0 + i, k0, keys));
}

// A row of scores becomes exp(score - top) where it is seen and 0 beyond; returns the sum, and sets top.
float exponentials(float* row, float* top, int64_t valid, int64_t keys) {
    *top = largest(row, valid);
    vfloat total = vfloat{};
    for_each_vector(valid, [&](int64_t j, int64_t lanes) {
        vfloat e = exp(load_some(row + j, lanes) - *top);
        store_some(row + j, e, lanes);
        total += lanes == W ? e : load_some(row + j, lanes);  // the rest's lanes past the end are not in the sum
    });
    for (int64_t j = valid; j < keys; j++) row[j] = 0;
    return sum(total);
}

int64_t forward_floats(int64_t T, int64_t HS) {
    return padded_columns(T) * HS + padded_columns(HS) * T + kQueries * HS +
           kQueries * (padded_columns(T) + T + kColumns);
}

int64_t backward_floats(int64_t T, int64_t HS) {
    int64_t rows = padded_rows(T) * HS, columns = padded_columns(HS) * T;
    return 2 * (rows + columns) + round_up(T, 16) + (2 * kKeys + padded_columns(HS)) * HS + padded_columns(HS) * kKeys +
           2 * kQueries * kKeys + kQueries * (kKeys + kRows) + 2 * kKeys * HS;
}

// One head's gradient. Operands that every block of keys meets again are packed once.
class HeadGradient {
  public:
    HeadGradient(const Head& h, const float* out, const float* dout, const float* logsumexp, float* dqkv, Scratch s)
        : head(h), lse(logsumexp), dq(dqkv), C(h.width / 3) {
        int64_t T = h.T, HS = h.HS, panels = padded_columns(HS);
        queries = s.take(padded_rows(T) * HS);
        douts = s.take(padded_rows(T) * HS);
        queries_right = s.take(panels * T);
        douts_right = s.take(panels * T);
        D = s.take(round_up(T, 16));
        keys_t = s.take(kKeys * HS);
        values_t = s.take(kKeys * HS);
        keys_right = s.take(panels * kKeys);
        P = s.take(kQueries * kKeys);
        dS = s.take(kQueries * kKeys);
        left = s.take(kQueries * (kKeys + kRows));
        dk = s.take(kKeys * HS);
        dv = s.take(kKeys * HS);
        pack_queries(queries, head, 0, T);
        pack<kRows>(douts, {dout, C, 1}, T, HS);
        pack<kColumns>(queries_right, head.columns(head.q), HS, T);
        pack<kColumns>(douts_right, {dout, 1, C}, HS, T);
        for (int64_t i = 0; i < T; i++) {
            vfloat products = vfloat{};
            for_each_vector(HS, [&](int64_t c, int64_t lanes) {
                products += load_some(dout + i * C + c, lanes) * load_some(out + i * C + c, lanes);
            });
            D[i] = sum(products);
        }
    }

    void run() {
        for (int64_t k0 = 0; k0 < head.T; k0 += kKeys) {
            int64_t keys = head.T - k0 < kKeys ? head.T - k0 : kKeys;
            load_keys(k0, keys);
            for (int64_t q0 = k0 / kQueries * kQueries; q0 < head.T; q0 += kQueries) {
                int64_t rows = head.T - q0 < kQueries ? head.T - q0 : kQueries;
                block(q0, rows, k0, seen(q0 + rows - 1, k0, keys));
            }
            for (int64_t j = 0; j < keys; j++) {
                float* to = dq + (k0 + j) * head.width + C;
                memcpy(to, dk + j * head.HS, static_cast<size_t>(head.HS) * 4);
                memcpy(to + C, dv + j * head.HS, static_cast<size_t>(head.HS) * 4);
            }
        }
    }

  private:
    const Head& head;
    const float* lse;
    float* dq;  // of dqkv: dk and dv lie C and 2 C behind
    int64_t C;
    int64_t keys_in_block = 0;
    float *queries, *douts;              // all T rows as left operands, queries scaled
    float *queries_right, *douts_right;  // as right operands, T deep
    float* D;                            // row sums of dout * out
    float *keys_t, *values_t;            // a block, transposed, as right operands
    float* keys_right;                   // a block as right operand
    float *P, *dS, *left;                // (kQueries, kKeys) each; left: one of them as left operand
    float *dk, *dv;                      // of the block of keys

    void load_keys(int64_t k0, int64_t keys) {
        keys_in_block = keys;
        int64_t at = k0 * head.width;
        pack<kColumns>(keys_t, head.rows(head.k + at), keys, head.HS);
        pack<kColumns>(values_t, head.rows(head.v + at), keys, head.HS);
        pack<kColumns>(keys_right, head.columns(head.k + at), head.HS, keys);
        memset(dk, 0, static_cast<size_t>(keys * head.HS) * 4);
        memset(dv, 0, static_cast<size_t>(keys * head.HS) * 4);
    }

    // Queries [q0, q0 + rows) against keys [k0, k0 + keys): P = exp(q k^T - lse), dS = P * (mask * dout v^T - D) *
    // scale; dq += dS k, dk += dS^T q, dv += (mask * P)^T dout.
    void block(int64_t q0, int64_t rows, int64_t k0, int64_t keys) {
        int64_t HS = head.HS;
        multiply_block(P, kKeys, 0, 0, rows, keys, queries + q0 * HS, kRows * HS, keys_t, kColumns * HS, HS, false,
                       true, {});
        multiply_block(dS, kKeys, 0, 0, rows, keys, douts + q0 * HS, kRows * HS, values_t, kColumns * HS, HS, false,
                       true, {});
        drop(dS, kKeys, head, q0, rows, k0, keys);
        for (int64_t i = 0; i < rows; i++) {
            float *p = P + i * kKeys, *d = dS + i * kKeys, row_lse = lse[q0 + i], row_D = D[q0 + i];
            int64_t valid = seen(q0 + i, k0, keys);
            for_each_vector(valid, [&](int64_t j, int64_t lanes) {
                vfloat e = exp(load_some(p + j, lanes) - row_lse);
                store_some(p + j, e, lanes);
                store_some(d + j, e * (load_some(d + j, lanes) - row_D) * head.scale, lanes);
            });
            for (int64_t j = valid; j < keys; j++) p[j] = d[j] = 0;
        }
        pack<kRows>(left, {dS, kKeys, 1}, rows, keys);
        multiply_block(dq + q0 * head.width, head.width, 0, 0, rows, HS, left, kRows * keys, keys_right,
                       kColumns * keys_in_block, keys, k0 > 0, true, {});
        pack<kRows>(left, {dS, 1, kKeys}, keys, rows);
        multiply_block(dk, HS, 0, 0, keys, HS, left, kRows * rows, queries_right + q0 * kColumns, kColumns * head.T,
                       rows, true, true, {});
        drop(P, kKeys, head, q0, rows, k0, keys);
        pack<kRows>(left, {P, 1, kKeys}, keys, rows);
        multiply_block(dv, HS, 0, 0, keys, HS, left, kRows * rows, douts_right + q0 * kColumns, kColumns * head.T, rows,
                       true, true, {});
    }
};

}  // namespace

int64_t attention_thread_bytes(int64_t T, int64_t HS, bool training) {
    int64_t forward = forward_floats(T, HS), backward = training ? backward_floats(T, HS) : 0;
    return round_up((forward > backward ? forward : backward) * 4, kAlignment);
}

void attention_forward(const sn9_context& context, float* out, float* lse, const float* qkv, const sn9_step* step,
                       float probability, int32_t layer, float scale, int64_t B, int64_t T, int64_t NH, int64_t HS) {
    int64_t C = NH * HS, thread_bytes = attention_thread_bytes(T, HS, false), stride = padded_columns(T);
    bool dropping = probability > 0;
    DropoutMask mask(dropping ? step->seed : 0, dropping ? step->micro_step : 0, layer, SN9_DROPOUT_ATTENTION,
                     probability);
    Heads heads{qkv, dropping ? &mask : nullptr, scale, T, NH, HS};
#pragma omp parallel for num_threads(context.threads) schedule(dynamic, 1)
    for (int64_t task = 0; task < B * NH; task++) {
        Head head = heads.of(task);
        Scratch scratch = thread_scratch(context, thread_bytes);
        float* keys_t = scratch.take(stride * HS);
        float* values = scratch.take(padded_columns(HS) * T);
        float* queries = scratch.take(kQueries * HS);
        float* P = scratch.take(kQueries * stride);
        float* left = scratch.take(kQueries * T);
        pack<kColumns>(keys_t, head.rows(head.k), T, HS);
        pack<kColumns>(values, head.columns(head.v), HS, T);
        float* to = out + task / NH * T * C + task % NH * HS;
        for (int64_t q0 = 0; q0 < T; q0 += kQueries) {
            int64_t rows = T - q0 < kQueries ? T - q0 : kQueries, keys = q0 + rows;
            float sums[kQueries];
            pack_queries(queries, head, q0, rows);
            multiply_block(P, stride, 0, 0, rows, keys, queries, kRows * HS, keys_t, kColumns * HS, HS, false, true,
                           {});
            for (int64_t i = 0; i < rows; i++) {
                float top;
                sums[i] = exponentials(P + i * stride, &top, q0 + i + 1, keys);
                if (lse) lse[task * T + q0 + i] = top + logf(sums[i]);
            }
            drop(P, stride, head, q0, rows, 0, keys);
            pack<kRows>(left, {P, stride, 1}, rows, keys);
            multiply_block(to + q0 * C, C, 0, 0, rows, HS, left, kRows * keys, values, kColumns * T, keys, false, true,
                           {});
            for (int64_t i = 0; i < rows; i++) {
                float *row = to + (q0 + i) * C, inverse = 1.0f / sums[i];
                for_each_vector(HS, [&](int64_t c, int64_t lanes) {
                    store_some(row + c, load_some(row + c, lanes) * inverse, lanes);
                });
            }
        }
    }
}

void attention_backward(const sn9_context& context, float* dqkv, const float* dout, const float* out, const float* qkv,
                        const float* lse, const sn9_step* step, float probability, int32_t layer, float scale,
                        int64_t B, int64_t T, int64_t NH, int64_t HS) {
    int64_t C = NH * HS, thread_bytes = attention_thread_bytes(T, HS, true);
    bool dropping = probability > 0;
    DropoutMask mask(dropping ? step->seed : 0, dropping ? step->micro_step : 0, layer, SN9_DROPOUT_ATTENTION,
                     probability);
    Heads heads{qkv, dropping ? &mask : nullptr, scale, T, NH, HS};
#pragma omp parallel for num_threads(context.threads) schedule(dynamic, 1)
    for (int64_t task = 0; task < B * NH; task++) {
        Head head = heads.of(task);
        int64_t at = task / NH * T * C + task % NH * HS;
        HeadGradient(head, out + at, dout + at, lse + task * T, dqkv + (head.q - qkv),
                     thread_scratch(context, thread_bytes))
            .run();
    }
}

}  // namespace sn9::SN9_ISA
