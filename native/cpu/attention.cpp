// attention: causal softmax(q k^T * scale) v per head, from packed qkv, and its gradient.
// qkv, dqkv (B, T, 3*NH*HS); out, dout (B, T, NH*HS); lse (B, NH, T). forward and backward: =.
// bytes: forward 16*N*C + 4*B*NH*T; about 2*N*T*C FLOPs causal forward, 5*N*T*C backward. Compute bound.
// One task per (batch, head): keys and values are packed once, queries go by blocks of kQueries rows whose scores
// against all their keys stay in cache; blocks above the diagonal are never computed.
// Numerics: plain two-pass softmax in f32; the backward pass recomputes the probabilities from lse. Deterministic: a
// head belongs to one thread and sums run in the order of rows.
#include <omp.h>

#include "gemm.h"
#include "kernels.h"
#include "random.h"

namespace sn9::SN9_ISA {

namespace {

constexpr int64_t kQueries = (W == 16 ? 4 : 8) * kRows;

// Where one head of one sequence lies and the scratch its task works in.
struct Head {
    int64_t T, HS, width, padded;  // width: floats from one row of qkv to the next; padded: T in whole panels
    int64_t panels;                // floats of HS columns in whole panels
    float scale;
    const float *q, *k, *v;
    const DropoutMask* mask;  // null without dropout
    uint64_t first_element;   // of this head's (T, T) probabilities in the mask
};

int64_t padded_columns(int64_t n) {
    return ceil_div(n, kColumns) * kColumns;
}

// scores (rows, keys) = q k^T * scale for the queries from q0 on; keys_t: k^T in panels; q_block: scratch.
void scores(float* S, float* q_block, const float* keys_t, const Head& head, int64_t q0, int64_t rows, int64_t keys) {
    pack<kRows>(q_block, {head.q + q0 * head.width, head.width, 1}, rows, head.HS);
    multiply_block(S, head.padded, 0, 0, rows, keys, q_block, kRows * head.HS, keys_t, kColumns * head.HS, head.HS,
                   false, true, {});
    for (int64_t i = 0; i < rows; i++) {
        float* row = S + i * head.padded;
        int64_t valid = q0 + i + 1;
        for_each_vector(valid, [&](int64_t j, int64_t lanes) {
            store_some(row + j, load_some(row + j, lanes) * head.scale, lanes);
        });
        for (int64_t j = valid; j < keys; j++) row[j] = 0;
    }
}

void drop(float* P, const Head& head, int64_t q0, int64_t rows) {
    if (!head.mask) return;
    for (int64_t i = 0; i < rows; i++)
        head.mask->apply(P + i * head.padded, head.first_element + static_cast<uint64_t>((q0 + i) * head.T),
                         q0 + i + 1);
}

// P (rows, keys) = softmax of the scores' valid part; lse gets the row's log of the sum of exponentials.
void softmax(float* S, float* lse, const Head& head, int64_t q0, int64_t rows) {
    for (int64_t i = 0; i < rows; i++) {
        float* row = S + i * head.padded;
        int64_t valid = q0 + i + 1;
        float top = row[0];
        for (int64_t j = 1; j < valid; j++) top = row[j] > top ? row[j] : top;
        vfloat total = vfloat{};
        for_each_vector(valid, [&](int64_t j, int64_t lanes) {
            vfloat e = exp(load_some(row + j, lanes) - top);
            if (lanes < W)
                for (int64_t k = lanes; k < W; k++) e[k] = 0;
            store_some(row + j, e, lanes);
            total += e;
        });
        float s = sum(total), inverse = 1.0f / s;
        for_each_vector(
            valid, [&](int64_t j, int64_t lanes) { store_some(row + j, load_some(row + j, lanes) * inverse, lanes); });
        if (lse) lse[q0 + i] = top + logf(s);
    }
}

Head head_of(const float* qkv, const DropoutMask* mask, int64_t task, float scale, int64_t T, int64_t NH, int64_t HS) {
    int64_t b = task / NH, h = task % NH, C = NH * HS;
    const float* q = qkv + b * T * 3 * C + h * HS;
    return {T,
            HS,
            3 * C,
            padded_columns(T),
            padded_columns(HS),
            scale,
            q,
            q + C,
            q + 2 * C,
            mask,
            static_cast<uint64_t>(task * T * T)};
}

char* thread_scratch(const sn9_context& context, int64_t bytes) {
    return context.workspace + omp_get_thread_num() * bytes;
}

}  // namespace

int64_t attention_thread_bytes(int64_t T, int64_t HS, bool training) {
    int64_t padded = padded_columns(T), panels = padded_columns(HS), block = kQueries * (padded + kRows);
    int64_t forward = padded * HS + panels * T + kQueries * HS + kQueries * padded + block;
    int64_t backward = 2 * padded * HS + panels * T + 2 * kQueries * HS + 2 * kQueries * padded +
                       kQueries * (padded + kRows + kColumns) + 2 * panels * kQueries;
    return round_up((training ? backward : forward) * 4, kAlignment);
}

void attention_forward(const sn9_context& context, float* out, float* lse, const float* qkv, const sn9_step* step,
                       float probability, int32_t layer, float scale, int64_t B, int64_t T, int64_t NH, int64_t HS) {
    int64_t C = NH * HS, thread_bytes = attention_thread_bytes(T, HS, false);
    bool dropping = probability > 0;
    DropoutMask mask(dropping ? step->seed : 0, dropping ? step->micro_step : 0, layer, SN9_DROPOUT_ATTENTION,
                     probability);
#pragma omp parallel for num_threads(context.threads) schedule(dynamic, 1)
    for (int64_t task = 0; task < B * NH; task++) {
        Head head = head_of(qkv, dropping ? &mask : nullptr, task, scale, T, NH, HS);
        float* keys_t = reinterpret_cast<float*>(thread_scratch(context, thread_bytes));
        float* values = keys_t + head.padded * HS;
        float* q_block = values + head.panels * T;
        float* P = q_block + kQueries * HS;
        float* p_block = P + kQueries * head.padded;
        pack<kColumns>(keys_t, {head.k, head.width, 1}, T, HS);
        pack<kColumns>(values, {head.v, 1, head.width}, HS, T);
        float* to = out + task / NH * T * C + task % NH * HS;
        for (int64_t q0 = 0; q0 < T; q0 += kQueries) {
            int64_t rows = T - q0 < kQueries ? T - q0 : kQueries, keys = q0 + rows;
            scores(P, q_block, keys_t, head, q0, rows, keys);
            softmax(P, lse ? lse + task * T : nullptr, head, q0, rows);
            drop(P, head, q0, rows);
            pack<kRows>(p_block, {P, head.padded, 1}, rows, keys);
            multiply_block(to + q0 * C, C, 0, 0, rows, HS, p_block, kRows * keys, values, kColumns * T, keys, false,
                           true, {});
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
#pragma omp parallel for num_threads(context.threads) schedule(dynamic, 1)
    for (int64_t task = 0; task < B * NH; task++) {
        Head head = head_of(qkv, dropping ? &mask : nullptr, task, scale, T, NH, HS);
        float* keys_t = reinterpret_cast<float*>(thread_scratch(context, thread_bytes));
        float* values_t = keys_t + head.padded * HS;
        float* keys_by_row = values_t + head.padded * HS;
        float* a_block = keys_by_row + head.panels * T;  // q or dout rows, as left operand
        float* P = a_block + 2 * kQueries * HS;
        float* dS = P + kQueries * head.padded;
        float* left = dS + kQueries * head.padded;                          // P^T, dS^T or dS as left operand
        float* right = left + kQueries * (head.padded + kRows + kColumns);  // dout or q rows as right operand
        pack<kColumns>(keys_t, {head.k, head.width, 1}, T, HS);
        pack<kColumns>(values_t, {head.v, head.width, 1}, T, HS);
        pack<kColumns>(keys_by_row, {head.k, 1, head.width}, HS, T);
        const float *o = out + task / NH * T * C + task % NH * HS, *d_o = dout + (o - out);
        float *dq = dqkv + (head.q - qkv), *dk = dq + C, *dv = dk + C;
        for (int64_t t = 0; t < T; t++) {
            memset(dk + t * head.width, 0, static_cast<size_t>(HS) * 4);
            memset(dv + t * head.width, 0, static_cast<size_t>(HS) * 4);
        }
        for (int64_t q0 = 0; q0 < T; q0 += kQueries) {
            int64_t rows = T - q0 < kQueries ? T - q0 : kQueries, keys = q0 + rows;
            scores(P, a_block, keys_t, head, q0, rows, keys);
            for (int64_t i = 0; i < rows; i++) {
                float *row = P + i * head.padded, log_sum = lse[task * T + q0 + i];
                for_each_vector(q0 + i + 1, [&](int64_t j, int64_t lanes) {
                    store_some(row + j, exp(load_some(row + j, lanes) - log_sum), lanes);
                });
            }
            // dS = P * (mask * (dout v^T) - D) * scale, D = row sum of dout * out.
            pack<kRows>(a_block, {d_o + q0 * C, C, 1}, rows, HS);
            multiply_block(dS, head.padded, 0, 0, rows, keys, a_block, kRows * HS, values_t, kColumns * HS, HS, false,
                           true, {});
            drop(dS, head, q0, rows);
            for (int64_t i = 0; i < rows; i++) {
                const float* p = P + i * head.padded;
                float *row = dS + i * head.padded, D = 0;
                for (int64_t c = 0; c < HS; c++) D += d_o[(q0 + i) * C + c] * o[(q0 + i) * C + c];
                int64_t valid = q0 + i + 1;
                for_each_vector(valid, [&](int64_t j, int64_t lanes) {
                    store_some(row + j, load_some(p + j, lanes) * (load_some(row + j, lanes) - D) * head.scale, lanes);
                });
                for (int64_t j = valid; j < keys; j++) row[j] = 0;
            }
            pack<kRows>(left, {dS, head.padded, 1}, rows, keys);
            multiply_block(dq + q0 * head.width, head.width, 0, 0, rows, HS, left, kRows * keys, keys_by_row,
                           kColumns * T, keys, false, true, {});
            pack<kRows>(left, {dS, 1, head.padded}, keys, rows);
            pack<kColumns>(right, {head.q + q0 * head.width, 1, head.width}, HS, rows);
            multiply_block(dk, head.width, 0, 0, keys, HS, left, kRows * rows, right, kColumns * rows, rows, true, true,
                           {});
            drop(P, head, q0, rows);
            pack<kRows>(left, {P, 1, head.padded}, keys, rows);
            pack<kColumns>(right, {d_o + q0 * C, 1, C}, HS, rows);
            multiply_block(dv, head.width, 0, 0, keys, HS, left, kRows * rows, right, kColumns * rows, rows, true, true,
                           {});
        }
    }
}

}  // namespace sn9::SN9_ISA
