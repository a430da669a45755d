// gemm_simt: the f32 tile of a matrix product, 128 x 128 sums by 256 threads, 8 x 8 a thread; included by gemm.cuh.
// Slices of 8 deep of both operands pass through two buffers of shared memory: while one is multiplied, 16-byte loads
// of the next wait in registers.
// Numerics: an element is one chain of fused multiply-adds in the order of k, whatever the tile's place. Past the end
// of k a slice is filled with zeros, which change no bits. Limits: an operand that is contiguous along k has a multiple
// of 8 of it. Source of the method: Simon Boehm, "How to optimize a CUDA matmul kernel",
// https://siboehm.com/articles/22/CUDA-MMM
#pragma once

#include "gemm_operand.cuh"

namespace sn9 {

template <Layout kLayout>
struct SimtTile {
    typedef Operand<float> Left, Right;
    static constexpr int kRows = 128, kColumns = 128, kDepth = 8, kThreads = 256, kBlocksPerSm = 2;
    static constexpr int kStride = kRows + 4;  // 4 floats of padding: stores of a transposed slice miss no bank twice
    static constexpr int kBuffer = kDepth * kStride;
    static constexpr int kSharedBytes = 4 * kBuffer * static_cast<int>(sizeof(float));

    // A thread's sums: 8 of the tile's rows by 8 of its columns. The 16 threads of a half warp share their rows and
    // hold all columns of them.
    static constexpr int kOwnRows = 8, kOwnColumns = 8, kLanesPerRow = 16, kColumnParts = 1;
    float sums[kOwnRows][kOwnColumns];

    static __device__ __forceinline__ int own_row(int i) {
        return static_cast<int>(threadIdx.x) / 16 * 4 + i / 4 * 64 + i % 4;
    }
    static __device__ __forceinline__ int own_column() { return static_cast<int>(threadIdx.x) % 16 * 4; }
    static __device__ constexpr int column_offset(int j) { return j / 4 * 64 + j % 4; }
    static __device__ __forceinline__ int column_part() { return 0; }
    __device__ __forceinline__ float& at(int i, int j) { return sums[i][j]; }

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int i = 0; i < kOwnRows; i++)
#pragma unroll
            for (int j = 0; j < kOwnColumns; j++) sums[i][j] = 0.0f;
    }

    // Adds the products of k in [from, to). shared: kSharedBytes, free again on return.
    __device__ __forceinline__ void multiply(void* shared, const Operand<float>& a, const Operand<float>& b, int row0,
                                             int column0, int from, int to) {
        constexpr bool a_along_k = kLayout != Layout::TN, b_along_k = kLayout == Layout::NT;
        float* a_buffers = static_cast<float*>(shared);
        float* b_buffers = a_buffers + 2 * kBuffer;
        Source<a_along_k> a_source(a, row0, from);
        Source<b_along_k> b_source(b, column0, from);
        float a_next[4], b_next[4];
        a_source.fetch(a_next, from, to);
        b_source.fetch(b_next, from, to);
        a_source.keep(a_buffers, a_next);
        b_source.keep(b_buffers, b_next);
        __syncthreads();
        int buffer = 0;
        for (int k = from; k < to; k += kDepth) {
            bool more = k + kDepth < to;
            if (more) {
                a_source.fetch(a_next, k + kDepth, to);
                b_source.fetch(b_next, k + kDepth, to);
            }
            multiply_slice(a_buffers + buffer * kBuffer, b_buffers + buffer * kBuffer);
            buffer ^= 1;
            if (more) {
                // The other buffer: the barrier of the round before this one has freed it.
                a_source.keep(a_buffers + buffer * kBuffer, a_next);
                b_source.keep(b_buffers + buffer * kBuffer, b_next);
            }
            __syncthreads();
        }
    }

    // Calls f(row, column, values) for runs of kRun neighbouring sums of a row; row and column count from the tile's.
    static constexpr int kRun = 4;
    template <typename Function>
    __device__ __forceinline__ void for_each_run(const Function& f) {
#pragma unroll
        for (int i = 0; i < kOwnRows; i++)
#pragma unroll
            for (int j = 0; j < kOwnColumns; j += kRun) {
                float run[kRun] = {sums[i][j], sums[i][j + 1], sums[i][j + 2], sums[i][j + 3]};
                f(own_row(i), own_column() + column_offset(j), run);
            }
    }

  private:
    // A thread's four elements of one slice after another: along k two threads share a row, else 32 threads share a k.
    template <bool kAlongK>
    struct Source {
        const float* from;
        int step;  // elements from a slice to the next

        static __device__ __forceinline__ int own_index() {
            int thread = static_cast<int>(threadIdx.x);
            return kAlongK ? thread / 2 : thread % 32 * 4;
        }
        static __device__ __forceinline__ int own_k() {
            int thread = static_cast<int>(threadIdx.x);
            return kAlongK ? thread % 2 * 4 : thread / 32;
        }

        __device__ __forceinline__ Source(const Operand<float>& m, int first, int k)
            : from(m.template at<kAlongK>(m.template inside<kAlongK>(first + own_index()), k + own_k())),
              step(kAlongK ? kDepth : kDepth * static_cast<int>(m.stride)) {}

        // The next slice, whose first k this is, to registers. Along k slices are whole.
        __device__ __forceinline__ void fetch(float (&to)[4], int k, int end) {
            if (kAlongK || k + own_k() < end) {
                load_vector(to, from);
            } else {
#pragma unroll
                for (int e = 0; e < 4; e++) to[e] = 0.0f;
            }
            from += step;
        }

        // Registers to shared memory, as (k, row or column).
        __device__ __forceinline__ void keep(float* buffer, const float (&elements)[4]) const {
            float* to = buffer + own_k() * kStride + own_index();
            if (kAlongK) {
#pragma unroll
                for (int e = 0; e < 4; e++) to[e * kStride] = elements[e];
            } else {
                store_vector(to, elements);
            }
        }
    };

    __device__ __forceinline__ void multiply_slice(const float* a, const float* b) {
#pragma unroll
        for (int k = 0; k < kDepth; k++) {
            float x[2][4], y[2][4];
#pragma unroll
            for (int half = 0; half < 2; half++) {
                load_vector(x[half], a + k * kStride + own_row(4 * half));
                load_vector(y[half], b + k * kStride + own_column() + column_offset(4 * half));
            }
#pragma unroll
            for (int i = 0; i < kOwnRows; i++) {
#pragma unroll
                for (int j = 0; j < kOwnColumns; j++) sums[i][j] = fmaf(x[i / 4][i % 4], y[j / 4][j % 4], sums[i][j]);
            }
        }
    }
};

}  // namespace sn9
