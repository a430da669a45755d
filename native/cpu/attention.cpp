// attention: causal softmax(q k^T * scale) v per head, from packed qkv, and its gradient.
// qkv, dqkv (B, T, 3*NH*HS); out, dout (B, T, NH*HS); lse (B, NH, T). forward and backward: =.
// bytes: forward 16*N*C + 4*B*NH*T; about 2*N*T*C FLOPs causal forward, 5*N*T*C backward. Compute bound.
// One task per (batch, head). Forward: keys and values are packed once, queries go by panels whose scores, transposed,
// stay in cache (HeadForward). Backward: blocks of kKeys keys, whose dk and dv gather in cache while the blocks of
// queries that see them go by (HeadGradient). Either way probabilities lie in panels, as the tiles of one product leave
// them and as the next one takes them, and gradients gather transposed. Tiles wholly beyond the diagonal are left out.
// Numerics: plain two-pass softmax in f32 of queries that were scaled beforehand, exponentials summed by 64; the
// backward pass recomputes the probabilities from lse. Deterministic: a head belongs to one thread and sums run in
// order.
#include <omp.h>

#include "gemm.h"
#include "kernels.h"
#include "random.h"

namespace sn9::SN9_ISA {

namespace {

constexpr int64_t kQueries = 16 * kRows;
constexpr int64_t kKeys = 128;
static_assert(kKeys % kColumns == 0 && kQueries % kColumns == 0);

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

// Floats of one head's forward pass: see HeadForward.
int64_t forward_floats(int64_t T, int64_t HS) {
    return padded_rows(T) * HS + padded_rows(HS) * T + (HS + padded_rows(T) + padded_rows(HS)) * kColumns + T;
}

// Floats of one head's backward pass: see HeadGradient.
int64_t backward_floats(int64_t T, int64_t HS) {
    int64_t channels = padded_rows(HS);
    return 2 * padded_rows(T) * HS + 2 * channels * T + round_up(T, 16) + (2 * HS + channels) * kKeys +
           3 * kQueries * kKeys + 2 * channels * kKeys + channels * padded_columns(T);
}

// The first n columns of `from` (channels, kColumns), times factors, as rows of `to`, stride floats apart.
void store_columns(float* to, int64_t stride, const float* from, int64_t channels, int64_t n,
                   const vfloat (&factors)[2]) {
    for (int64_t first = 0; first < n; first += W) {
        int64_t rows = n - first < W ? n - first : W;
        for (int64_t c = 0; c < channels; c += W) {
            int64_t lanes = channels - c < W ? channels - c : W;
            vfloat v[W];
            for (int64_t j = 0; j < W; j++)
                v[j] = j < lanes ? load(from + (c + j) * kColumns + first) * factors[first / W] : vfloat{};
            transpose(v);
            for (int64_t i = 0; i < rows; i++) store_some(to + (first + i) * stride + c, v[i], lanes);
        }
    }
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
        for (int64_t k = 0; k < seen; k += kRows)
            multiply_panels(P + k * kColumns, kColumns, keys + k * HS, queries, HS);
        vfloat inverse[2];
        softmax(inverse, lse, q0, n);
        drop_columns(q0, n);
        for (int64_t c = 0; c < HS; c += kRows)
            multiply_panels(sums + c * kColumns, kColumns, values + c * head.T, P, seen);
        store_columns(to, head.width / 3, sums, HS, n, inverse);
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
};

// One head's gradient. Keys go by panels of kColumns, which are the columns of P, dS, dk and dv, the latter two
// transposed; dq gathers transposed by panels of queries, for which dS alone is turned. Operands that every block of
// keys meets again are packed once.
class HeadGradient {
  public:
    HeadGradient(const Head& h, const float* out, const float* dout, const float* logsumexp, float* dqkv, Scratch s)
        : head(h), lse(logsumexp), to(dqkv), C(h.width / 3), channels(padded_rows(h.HS)) {
        int64_t T = h.T, HS = h.HS;
        queries = s.take(padded_rows(T) * HS);
        douts = s.take(padded_rows(T) * HS);
        queries_t = s.take(channels * T);
        douts_t = s.take(channels * T);
        D = s.take(round_up(T, 16));
        keys_right = s.take(kKeys * HS);
        values_right = s.take(kKeys * HS);
        keys_t = s.take(channels * kKeys);
        P = s.take(kQueries * kKeys);
        dS = s.take(kQueries * kKeys);
        dS_t = s.take(kQueries * kKeys);
        dk = s.take(channels * kKeys);
        dv = s.take(channels * kKeys);
        dq = s.take(channels * padded_columns(T));
        pack_queries(queries, head, 0, T);
        pack<kRows>(douts, {dout, C, 1}, T, HS);
        pack<kRows>(queries_t, head.columns(head.q), HS, T);
        pack<kRows>(douts_t, {dout, 1, C}, HS, T);
        for (int64_t i = 0; i < T; i++) {
            vfloat products = vfloat{};
            for_each_vector(HS, [&](int64_t c, int64_t lanes) {
                products += load_some(dout + i * C + c, lanes) * load_some(out + i * C + c, lanes);
            });
            D[i] = sum(products);
        }
    }

    void run() {
        clear(dq, head.T);
        for (int64_t k0 = 0; k0 < head.T; k0 += kKeys) {
            int64_t keys = head.T - k0 < kKeys ? head.T - k0 : kKeys;
            load_keys(k0, keys);
            for (int64_t q0 = k0 / kQueries * kQueries; q0 < head.T; q0 += kQueries) {
                int64_t rows = head.T - q0 < kQueries ? head.T - q0 : kQueries;
                block(q0, rows, k0, seen(q0 + rows - 1, k0, keys));
            }
            store_rows(to + k0 * head.width + C, dk, keys);
            store_rows(to + k0 * head.width + 2 * C, dv, keys);
        }
        store_rows(to, dq, head.T);
    }

  private:
    const Head& head;
    const float* lse;
    float* to;  // dq's place in dqkv: dk and dv lie C and 2 C behind
    int64_t C, channels;
    int64_t keys_in_block = 0;
    float *queries, *douts;            // all T rows as left operands, queries scaled
    float *queries_t, *douts_t;        // transposed, channels by T, as left operands
    float* D;                          // row sums of dout * out
    float *keys_right, *values_right;  // a block, transposed, as right operands
    float* keys_t;                     // a block, channels by keys, as left operand
    float *P, *dS;                     // a block in panels of keys, (kQueries, kColumns) each
    float* dS_t;                       // a block in panels of queries, (keys, kColumns) each
    float *dk, *dv;                    // of the block of keys, in panels of keys, (channels, kColumns) each
    float* dq;                         // in panels of queries, (channels, kColumns) each

    void clear(float* gradient, int64_t n) {
        memset(gradient, 0, static_cast<size_t>(channels * padded_columns(n)) * 4);
    }

    void store_rows(float* rows, const float* gradient, int64_t n) {
        const vfloat ones[2] = {splat(1.0f), splat(1.0f)};
        for (int64_t j = 0; j < n; j += kColumns)
            store_columns(rows + j * head.width, head.width, gradient + j * channels, head.HS,
                          n - j < kColumns ? n - j : kColumns, ones);
    }

    void load_keys(int64_t k0, int64_t keys) {
        keys_in_block = keys;
        int64_t at = k0 * head.width;
        pack<kColumns>(keys_right, head.rows(head.k + at), keys, head.HS);
        pack<kColumns>(values_right, head.rows(head.v + at), keys, head.HS);
        pack<kRows>(keys_t, head.columns(head.k + at), head.HS, keys);
        clear(dk, keys);
        clear(dv, keys);
    }

    // Queries [q0, q0 + rows) against keys [k0, k0 + keys): P = exp(q k^T - lse), dS = P * (mask * dout v^T - D) *
    // scale; dq += dS k, dk += dS^T q, dv += (mask * P)^T dout. Where the diagonal goes through, tiles beyond it are
    // left out, and of sums the terms beyond it.
    void block(int64_t q0, int64_t rows, int64_t k0, int64_t keys) {
        for (int64_t j = 0; j < keys; j += kColumns) {
            // The first query that sees a key. Whole panels of queries: k0, j and q0 are multiples of kColumns.
            int64_t first = k0 + j > q0 ? k0 + j - q0 : 0, HS = head.HS;
            float *p = P + j * kQueries, *d = dS + j * kQueries;
            for (int64_t i = first / kRows * kRows; i < rows; i += kRows) {
                multiply_panels(p + i * kColumns, kColumns, queries + (q0 + i) * HS, keys_right + j * HS, HS);
                multiply_panels(d + i * kColumns, kColumns, douts + (q0 + i) * HS, values_right + j * HS, HS);
            }
            drop(d, q0, first, rows, k0 + j);
            gradient_of_scores(p, d, q0, first, rows, k0 + j);
            add_channels(dk + j * channels, queries_t + (q0 + first) * kRows, head.T, d + first * kColumns,
                         rows - first);
            drop(p, q0, first, rows, k0 + j);
            add_channels(dv + j * channels, douts_t + (q0 + first) * kRows, head.T, p + first * kColumns, rows - first);
        }
        for (int64_t i = 0; i < rows; i += kColumns) {
            int64_t n = rows - i < kColumns ? rows - i : kColumns, depth = seen(q0 + i + n - 1, k0, keys);
            turn(i, depth);
            add_channels(dq + (q0 + i) * channels, keys_t, keys_in_block, dS_t, depth);
        }
    }

    // A panel of scores becomes P, one of mask * dout v^T becomes dS, from row `first` on; 0 where a query does not see
    // the key.
    void gradient_of_scores(float* p, float* d, int64_t q0, int64_t first, int64_t rows, int64_t key) {
        for (int64_t i = first; i < rows; i++) {
            float row_lse = lse[q0 + i], row_D = D[q0 + i];
            bool fringe = q0 + i < key + kColumns - 1;
            for (int64_t at = i * kColumns; at < (i + 1) * kColumns; at += W) {
                vfloat e = exp(load(p + at) - row_lse);
                vfloat g = e * (load(d + at) - row_D) * head.scale;
                if (fringe) {
                    auto hidden = lane_numbers() > splat(static_cast<float>(q0 + i - key - (at - i * kColumns)));
                    e = hidden ? vfloat{} : e;
                    g = hidden ? vfloat{} : g;
                }
                store(p + at, e);
                store(d + at, g);
            }
        }
    }

    // dS of the kColumns queries from row i on, keys by queries: the panels of the first `keys` keys, in squares of W.
    void turn(int64_t i, int64_t keys) {
        for (int64_t j = 0; j < keys; j += kColumns)
            for (int64_t square = 0; square < 4; square++) {
                int64_t query = square / 2 * W, key = square % 2 * W;
                vfloat v[W];
#pragma GCC unroll 16
                for (int64_t r = 0; r < W; r++) v[r] = load(dS + j * kQueries + (i + query + r) * kColumns + key);
                transpose(v);
#pragma GCC unroll 16
                for (int64_t r = 0; r < W; r++) store(dS_t + (j + key + r) * kColumns + query, v[r]);
            }
    }

    // Applies the mask to a panel of probabilities.
    void drop(float* panel, int64_t q0, int64_t first, int64_t rows, int64_t key) {
        if (!head.mask) return;
        for (int64_t i = first; i < rows; i++)
            head.mask->apply(panel + i * kColumns, head.first_element + static_cast<uint64_t>((q0 + i) * head.T + key),
                             seen(q0 + i, key, kColumns));
    }

    // sums (channels, kColumns) += left (channels, depth) * panel (depth, kColumns); step: how deep left is packed.
    void add_channels(float* sums, const float* left, int64_t step, const float* panel, int64_t depth) {
        for (int64_t c = 0; c < channels; c += kRows)
            multiply_panels<true>(sums + c * kColumns, kColumns, left + c * step, panel, depth);
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
