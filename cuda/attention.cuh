// attention: what its kernels share, in f32 on the ordinary cores (attention_simt*.cuh) and in bf16 on tensor cores
// (attention_mma*.cuh). Launched by attention_forward.cu and attention_backward.cu.
#pragma once

#include "common.cuh"
#include "launch.cuh"
#include "ptx.cuh"
#include "random.cuh"
#include "sn9_ops.h"

namespace sn9 {

// The arguments every attention kernel takes beside its tensors.
struct AttentionProblem {
    const sn9_step* step;  // read on the device; not read without dropout
    float probability;     // of dropout
    int32_t layer;
    float scale;       // of the scores
    int32_t T, NH;     // sequence, heads
    int32_t tiles;     // blocks per head
    int64_t HS;        // head size in memory
    int64_t in_width;  // elements from one row of qkv to the next, 3*NH*HS

    __device__ __forceinline__ int64_t out_width() const { return NH * HS; }
};

// Which head, of which sequence, and which of its tiles a block works on: tiles of a head are neighbours, so that they
// share its keys and values in L2.
struct AttentionBlock {
    int32_t tile;
    int64_t head;     // b * NH + h
    int64_t in, out;  // offsets of the head's first q in qkv and of its first element in out

    __device__ __forceinline__ explicit AttentionBlock(const AttentionProblem& problem) {
        head = blockIdx.x / problem.tiles;
        tile = static_cast<int32_t>(blockIdx.x % problem.tiles);
        int64_t b = head / problem.NH, h = head % problem.NH;
        in = b * problem.T * problem.in_width + h * problem.HS;
        out = b * problem.T * problem.out_width() + h * problem.HS;
    }
};

// The mask over one head's (T, T) probabilities; without dropout, nothing.
template <bool kDropping>
struct AttentionMask {
    uint64_t first;  // element of the head's first probability
    uint64_t T;
    DropoutMask mask;

    __device__ __forceinline__ AttentionMask(const AttentionProblem& problem, int64_t head)
        : first(static_cast<uint64_t>(head) * problem.T * problem.T),
          T(static_cast<uint64_t>(problem.T)),
          mask(problem.step->seed, problem.step->micro_step, problem.layer, SN9_DROPOUT_ATTENTION,
               problem.probability) {}

    __device__ __forceinline__ float scale() const { return mask.scale; }

    // Whether four neighbouring keys, the first of them a multiple of 4, share the words of one counter.
    __device__ __forceinline__ bool quads() const { return T % 4 == 0; }

    // Which of the keys from key on stay: bits 0 to 3. Only where quads(), and key is a multiple of 4.
    __device__ __forceinline__ uint32_t kept_four(int32_t query, int32_t key) const {
        float four[4];
        mask.factors(element(query, key) / 4, four);
        uint32_t bits = 0;
#pragma unroll
        for (int i = 0; i < 4; i++) bits |= (four[i] > 0 ? 1u : 0u) << i;
        return bits;
    }

    // Whether the probability of one query and key stays: 0 or 1.
    __device__ __forceinline__ uint32_t kept(int32_t query, int32_t key) const {
        return factor(query, key) > 0;
    }

    // Factor of the probability of one query and key.
    __device__ __forceinline__ float factor(int32_t query, int32_t key) const {
        uint64_t at = element(query, key);
        float four[4];
        mask.factors(at / 4, four);
        uint32_t i = static_cast<uint32_t>(at) & 3;
        return i < 2 ? (i == 0 ? four[0] : four[1]) : (i == 2 ? four[2] : four[3]);
    }

  private:
    __device__ __forceinline__ uint64_t element(int32_t query, int32_t key) const {
        return first + static_cast<uint64_t>(query) * T + static_cast<uint64_t>(key);
    }
};
template <>
struct AttentionMask<false> {
    __device__ __forceinline__ AttentionMask(const AttentionProblem&, int64_t) {}
    __device__ __forceinline__ float factor(int32_t, int32_t) const { return 1; }
};

}  // namespace sn9
