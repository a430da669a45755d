// attention: causal softmax(q k^T * scale) v per head, from packed qkv, and its gradient.
// qkv, dqkv (B, T, 3*NH*HS); out, dout (B, T, NH*HS); lse (B, NH, T). forward and backward: =.
// bytes: forward 16*N*C + 4*B*NH*T; about 2*N*T*C FLOPs causal forward, 5*N*T*C backward. Compute bound.
// One task per (batch, head). Forward: keys and values are packed once, queries go by panels whose scores, transposed,
// stay in cache (HeadForward). Backward: blocks of kKeys keys, whose dk and dv gather in cache while the blocks of
// queries that see them go by; dq gathers over the blocks of keys. Tiles wholly beyond the diagonal are not computed.
// Numerics: plain two-pass softmax in f32 of queries that were scaled beforehand, exponentials summed by 64; the
// backward pass recomputes the probabilities from lse. Deterministic: a head belongs to one thread and sums run in
// order.
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

// Floats of one head's forward pass: see HeadForward.
int64_t forward_floats(int64_t T, int64_t HS) {
    return padded_rows(T) * HS + padded_rows(HS) * T + (HS + padded_rows(T) + padded_rows(HS)) * kColumns + T;
}

int64_t backward_floats(int64_t T, int64_t HS) {
    int64_t rows = padded_rows(T) * HS, columns = padded_columns(HS) * T;
    return 2 * (rows + columns) + round_up(T, 16) + (2 * kKeys + padded_columns(HS)) * HS + padded_columns(HS) * kKeys +
           2 * kQueries * kKeys + kQueries * (kKeys + kRows) + 2 * kKeys * HS;
}

// One head's output. Queries go by panels of kColumns, which are the columns of all that follows: scores lie
// transposed, keys by queries, as the product's tiles leave them and as the product with the values takes them. So a
// softmax goes down the rows, whole vectors of queries at a time, and nothing is packed or summed across lanes.
class HeadForward {
  public:
    HeadForward(const Head& h, Scratch s) : head(h) {
        keys = s.take(padded_rows(h.T) * h.HS);
        values = s.take(padded_rows(h.HS) * h.T);
        queries = s.take(h.HS * kColumns);
        P = s.take(padded_rows(h.T) * kColumns);
        sums = s.take(padded_rows(h.HS) * kColumns);
        row = s.take(h.T);
        pack<kRows>(keys, head.rows(head.k), h.T, h.HS);
        pack<kRows>(values, head.columns(head.v), h.HS, h.T);
    }

    // The output of queries [q0, q0 + n), rows of `to` C floats apart, and with lse their log of the sum of
    // exponentials.
    void panel(float* to, float* lse, int64_t q0, int64_t n) {
        int64_t HS = head.HS, seen = q0 + n;
        pack_panel<kColumns>(queries, head.rows(head.q + q0 * head.width), n, HS);
        for (int64_t i = 0; i < HS * kColumns; i += W) store(queries + i, load(queries + i) * head.scale);
        for (int64_t k = 0; k < seen; k += kRows) multiply_panels(P + k * kColumns, keys + k * HS, queries, HS);
        vfloat inverse[2];
        softmax(inverse, lse, q0, n);
        drop_columns(q0, n);
        for (int64_t c = 0; c < HS; c += kRows) multiply_panels(sums + c * kColumns, values + c * head.T, P, seen);
        for (int half = 0; half < 2; half++) store_rows(to, half, n, inverse[half]);
    }

  private:
    static constexpr int64_t kSummed = 64;  // exponentials per partial sum

    const Head& head;
    float *keys, *values;  // all of them as left operands: keys by channels, channels by keys
    float* queries;        // (HS, kColumns) scaled, the right operand
    float* P;              // (keys, kColumns) scores, then their exponentials
    float* sums;           // (HS, kColumns) exponentials times values
    float* row;            // (T) for the mask of dropout

    // Scores of the queries from q0 on become exp(score - top), 0 where a query does not see the key.
    void softmax(vfloat (&inverse)[2], float* lse, int64_t q0, int64_t n) {
        vfloat top[2], total[2];
        for (int half = 0; half < 2; half++) {
            vfloat query = lane_numbers() + static_cast<float>(half * W);
            float* p = P + half * W;
            for (int64_t k = q0 + 1; k < q0 + n; k++)
                store(p + k * kColumns, query < static_cast<float>(k - q0) ? splat(-INFINITY) : load(p + k * kColumns));
            top[half] = load(p);
            for (int64_t k = 1; k < q0 + n; k++) top[half] = maximum(load(p + k * kColumns), top[half]);
            total[half] = vfloat{};
            for (int64_t k0 = 0; k0 < q0 + n; k0 += kSummed) {
                int64_t end = k0 + kSummed < q0 + n ? k0 + kSummed : q0 + n;
                vfloat part = vfloat{};
                for (int64_t k = k0; k < end; k++) {
                    vfloat e = exp(load(p + k * kColumns) - top[half]);
                    store(p + k * kColumns, e);
                    part += e;
                }
                total[half] += part;
            }
            inverse[half] = 1.0f / total[half];
        }
        if (!lse) return;
        for (int64_t i = 0; i < n; i++) lse[q0 + i] = top[i / W][i % W] + logf(total[i / W][i % W]);
    }

    void drop_columns(int64_t q0, int64_t n) {
        if (!head.mask) return;
        for (int64_t i = 0; i < n; i++) {
            int64_t seen = q0 + i + 1;
            for (int64_t k = 0; k < seen; k++) row[k] = P[k * kColumns + i];
            head.mask->apply(row, head.first_element + static_cast<uint64_t>((q0 + i) * head.T), seen);
            for (int64_t k = 0; k < seen; k++) P[k * kColumns + i] = row[k];
        }
    }

    // Half a panel of sums, times their queries' factors, as rows of the output.
    void store_rows(float* to, int half, int64_t n, vfloat factors) {
        int64_t first = half * W, rows = n - first < W ? n - first : W, stride = head.width / 3;
        for (int64_t c = 0; c < head.HS; c += W) {
            int64_t lanes = head.HS - c < W ? head.HS - c : W;
            vfloat v[W];
            for (int64_t j = 0; j < W; j++)
                v[j] = j < lanes ? load(sums + (c + j) * kColumns + first) * factors : vfloat{};
            transpose(v);
            for (int64_t i = 0; i < rows; i++) store_some(to + (first + i) * stride + c, v[i], lanes);
        }
    }
};

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
    // scale; dq += dS k, dk += dS^T q, dv += (mask * P)^T dout. Where the diagonal goes through, tiles beyond it are
    // left out, and of sums the terms beyond it.
    void block(int64_t q0, int64_t rows, int64_t k0, int64_t keys) {
        int64_t HS = head.HS;
        for (int64_t j = 0; j < keys; j += kColumns) {
            int64_t i = k0 + j > q0 ? (k0 + j - q0) / kRows * kRows : 0, n = keys - j < kColumns ? keys - j : kColumns;
            multiply_block(P, kKeys, i, j, rows - i, n, queries + (q0 + i) * HS, kRows * HS, keys_t + j * HS, 0, HS,
                           false, true, {});
            multiply_block(dS, kKeys, i, j, rows - i, n, douts + (q0 + i) * HS, kRows * HS, values_t + j * HS, 0, HS,
                           false, true, {});
        }
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
        for (int64_t i = 0; i < rows; i += kRows) {
            int64_t n = rows - i < kRows ? rows - i : kRows;
            multiply_block(dq + q0 * head.width, head.width, i, 0, n, HS, left + i * keys, 0, keys_right,
                           kColumns * keys_in_block, seen(q0 + i + n - 1, k0, keys), k0 > 0, true, {});
        }
        pack<kRows>(left, {dS, 1, kKeys}, keys, rows);
        add_by_keys(dk, queries_right, q0, rows, k0, keys);
        drop(P, kKeys, head, q0, rows, k0, keys);
        pack<kRows>(left, {P, 1, kKeys}, keys, rows);
        add_by_keys(dv, douts_right, q0, rows, k0, keys);
    }

    // to (keys, HS) += left (keys, rows) * right (rows, HS), rows from the first that sees a key.
    void add_by_keys(float* to, const float* right, int64_t q0, int64_t rows, int64_t k0, int64_t keys) {
        for (int64_t j = 0; j < keys; j += kRows) {
            int64_t i = k0 + j > q0 ? k0 + j - q0 : 0, n = keys - j < kRows ? keys - j : kRows;
            multiply_block(to, head.HS, j, 0, n, head.HS, left + j * rows + i * kRows, 0, right + (q0 + i) * kColumns,
                           kColumns * head.T, rows - i, true, true, {});
        }
    }
};

}  // namespace

int64_t attention_thread_bytes(int64_t T, int64_t HS, bool training) {
    int64_t forward = forward_floats(T, HS), backward = training ? backward_floats(T, HS) : 0;
    return round_up((forward > backward ? forward : backward) * 4, kAlignment);
}

void attention_forward(const sn9_context& context, float* out, float* lse, const float* qkv, const sn9_step* step,
                       float probability, int32_t layer, float scale, int64_t B, int64_t T, int64_t NH, int64_t HS) {
    int64_t C = NH * HS, thread_bytes = attention_thread_bytes(T, HS, false);
    bool dropping = probability > 0;
    DropoutMask mask(dropping ? step->seed : 0, dropping ? step->micro_step : 0, layer, SN9_DROPOUT_ATTENTION,
                     probability);
    Heads heads{qkv, dropping ? &mask : nullptr, scale, T, NH, HS};
#pragma omp parallel for num_threads(context.threads) schedule(dynamic, 1)
    for (int64_t task = 0; task < B * NH; task++) {
        Head head = heads.of(task);
        HeadForward pass(head, thread_scratch(context, thread_bytes));
        float* to = out + task / NH * T * C + task % NH * HS;
        for (int64_t q0 = 0; q0 < T; q0 += kColumns)
            pass.panel(to + q0 * C, lse ? lse + task * T : nullptr, q0, T - q0 < kColumns ? T - q0 : kColumns);
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
