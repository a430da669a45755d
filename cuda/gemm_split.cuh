// gemm_split: the tile of a matrix product that is faithful to f32 on tensor cores (bf16x3, split.cuh), sums as
// gemm_sums.cuh; included by gemm.cuh. a is f32 in memory, b a weight that was split into two bf16 arrays when it was
// prepared.
// Slices of 16 deep pass through a ring of 3 buffers in shared memory, as in gemm_mma.cuh: 16 deep are 96 mma a warp,
// as many as 48 deep in bf16. b's halves come by ldmatrix; a's f32 by 8-byte loads, split in registers: 3 instructions
// per element and column of warps, 96 a warp and slice beside 96 mma of 4 to 8 cycles. The other way, a pass that
// writes halves of the activations, saves no bytes here (4 per element either way) and moves 8*M*K of its own: on an
// H100 the share 394 / N of the product's floor, a half for an attention projection of 768, an eighth for an MLP of
// 3,072. Numerics: f32 sums; 16 of k at a time, in the order of k, low high', high low', high high'; inside the 16 as
// the tensor core does it; an element's bits do not depend on the tile's place.
#pragma once

#include "gemm_operand.cuh"
#include "gemm_sums.cuh"
#include "split.cuh"

namespace sn9 {

template <Layout kLayout>
struct SplitTile : MmaSums {
    static_assert(kLayout != Layout::TN, "a is contiguous along k");
    typedef Operand<float> Left;
    typedef SplitOperand Right;
    static constexpr int kDepth = 16, kBuffers = 3;
    static constexpr int kSlice = 128 * kDepth;  // elements of an operand's slice

    struct alignas(16) Buffer {
        float a[kSlice];
        bf16 b_high[kSlice], b_low[kSlice];
    };
    static constexpr int kSharedBytes = kBuffers * static_cast<int>(sizeof(Buffer));

    // Adds the products of k in [from, to), multiples of 16. shared: kSharedBytes, free again on return.
    __device__ __forceinline__ void multiply(void* shared, const Left& a, const Right& b, int row0, int column0,
                                             int from, int to) {
        Buffer* ring = static_cast<Buffer*>(shared);
#pragma unroll
        for (int s = 0; s < kBuffers - 1; s++) {
            copy_slices(ring[s], a, b, row0, column0, from + s * kDepth, to);
            cp_async_commit();
        }
        int buffer = 0;
        for (int k = from; k < to; k += kDepth) {
            cp_async_wait<kBuffers - 2>();
            // Everyone's copies of this slice are there, and everyone has read the buffer that is filled next.
            __syncthreads();
            int ahead = buffer == 0 ? kBuffers - 1 : buffer - 1;
            copy_slices(ring[ahead], a, b, row0, column0, k + (kBuffers - 1) * kDepth, to);
            cp_async_commit();
            multiply_slice(ring[buffer]);
            buffer = buffer == kBuffers - 1 ? 0 : buffer + 1;
        }
        cp_async_wait<0>();
        __syncthreads();
    }

  private:
    static constexpr bool kBAlongK = kLayout == Layout::NT;

    // Where a slice keeps element (i, k). a: rows of 4 chunks of 16 bytes, so that the 4 rows and 8 numbers of half a
    // warp's load lie in different banks. b: as its memory does, rows of 2 chunks along k or 16 along i, so that the 8
    // rows of a matrix that ldmatrix reads do.
    static __device__ __forceinline__ int place_a(int i, int k) {
        return i * kDepth + ((k / 4) ^ (i / 2 % 2 * 2)) * 4 + k % 4;
    }
    static __device__ __forceinline__ int place_b(int i, int k) {
        return kBAlongK ? i * kDepth + ((k / 8) ^ (i / 4 % 2)) * 8 : k * 128 + ((i / 8) ^ (k % 8)) * 8;
    }

    // Starts the copies of both operands' slices: 512 chunks of a, 256 of each half of b; zeros past the end of k.
    static __device__ __forceinline__ void copy_slices(Buffer& to, const Left& a, const Right& b, int row0, int column0,
                                                       int k, int end) {
        // Afresh for every slice: pointers kept from one to the next would not fit into the registers.
        int thread = opaque(static_cast<int>(threadIdx.x));
        bool valid = k < end;
#pragma unroll
        for (int n = 0; n < 2; n++) {
            // Two threads copy a sector of 32 bytes at once, and then the row's other one.
            int i = thread / 2 + n * 64, own_k = thread % 2 * 4;
            const float* from = a.template at<true>(a.template inside<true>(row0 + i), k + own_k);
            cp_async_16_zfill(to.a + place_a(i, own_k), from, valid);
            cp_async_16_zfill(to.a + place_a(i, own_k + 8), from + 8, valid);
        }
#pragma unroll
        for (int n = 0; n < 2; n++) {
            int i = kBAlongK ? thread / 2 + n * 64 : thread % 16 * 8;
            int own_k = kBAlongK ? thread % 2 * 8 : thread / 16 + n * 8;
            int64_t column = b.template inside<kBAlongK>(column0 + i);
            const bf16* high = b.template at<kBAlongK>(column, k + own_k);
            cp_async_16_zfill(to.b_high + place_b(i, own_k), high, valid);
            cp_async_16_zfill(to.b_low + place_b(i, own_k), high + b.low, valid);
        }
    }

    // The halves of a fragment of 16 x 16 of a.
    static __device__ __forceinline__ void load_a(uint32_t (&high)[4], uint32_t (&low)[4], const float* a, int row) {
#pragma unroll
        for (int r = 0; r < 4; r++) {
            const float* pair = a + place_a(row + r % 2 * 8 + lane() / 4, r / 2 * 8 + lane() % 4 * 2);
            float2 v = *reinterpret_cast<const float2*>(pair);
            split_pair(high[r], low[r], v.x, v.y);
        }
    }

    // Two fragments of 16 x 8 of one half of b, from column on.
    static __device__ __forceinline__ void load_b(uint32_t (&y)[4], const bf16* b, int column) {
        int within = lane() % 8, k = lane() / 8 % 2 * 8, own = column + lane() / 16 * 8;
        if (kBAlongK)
            ldmatrix_x4(y, b + place_b(own + within, k));
        else
            ldmatrix_x4_trans(y, b + place_b(own, k + within));
    }

    __device__ __forceinline__ void multiply_slice(const Buffer& slice) {
        uint32_t x_high[kDown][4], x_low[kDown][4];
#pragma unroll
        for (int i = 0; i < kDown; i++) load_a(x_high[i], x_low[i], slice.a, warp_row() + i * 16);
#pragma unroll
        for (int j = 0; j < kAcross; j += 2) {
            uint32_t y_high[4], y_low[4];
            load_b(y_high, slice.b_high, warp_column() + j * 8);
            load_b(y_low, slice.b_low, warp_column() + j * 8);
            // Eight sums at a time, so that a sum's three products do not wait for one another.
            add_products(j, x_low, y_high);
            add_products(j, x_high, y_low);
            add_products(j, x_high, y_high);
        }
    }
    __device__ __forceinline__ void add_products(int j, const uint32_t (&x)[kDown][4], const uint32_t (&y)[4]) {
#pragma unroll
        for (int half = 0; half < 2; half++)
#pragma unroll
            for (int i = 0; i < kDown; i++) mma_bf16_m16n8k16(sums[i][j + half], x[i], y + half * 2);
    }
};

}  // namespace sn9
