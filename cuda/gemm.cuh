// gemm: finish(a * b), the matrix product of linear and head_loss; for each element of the result an epilogue gets the
// finished f32 sum and writes what it likes. a, b f32 (SIMT), or bf16 (tensor cores), or a f32 and b f32 kept as two
// bf16 (tensor cores, Split); layouts: gemm_operand.cuh.
// bytes: (M*K + K*N)*e + what the epilogue moves; 2*M*N*K FLOPs, three times that on the tensor cores for Split.
// Compute bound at the sizes of a model. One block per tile of 128 x 128 and per part of k; blocks of neighbouring
// number share rows of b in groups of 8 rows of tiles, so that a wave of them reads few bytes twice. Numerics:
// gemm_simt.cuh, gemm_mma.cuh, gemm_split.cuh: an element's bits do not depend on M, N or its place. Limits: contiguous
// extents and strides are multiples of 16 bytes.
#pragma once

#include <type_traits>

#include "gemm_mma.cuh"
#include "gemm_simt.cuh"
#include "gemm_split.cuh"
#include "launch.cuh"

namespace sn9 {

// The tile that multiplies elements of type T.
template <Layout kLayout, typename T>
using Tile = std::conditional_t<std::is_same_v<T, Split>, SplitTile<kLayout>,
                                std::conditional_t<std::is_same_v<T, float>, SimtTile<kLayout>, MmaTile<kLayout>>>;

// What activations are where products are of T.
template <typename T>
using Activation = std::conditional_t<std::is_same_v<T, Split>, float, T>;

// Eight f32, as runs of the tensor-core tile have them.
__device__ __forceinline__ void load_vector(float (&to)[8], const float* memory) {
    float4 low = load4(memory), high = load4(memory + 4);
    to[0] = low.x, to[1] = low.y, to[2] = low.z, to[3] = low.w;
    to[4] = high.x, to[5] = high.y, to[6] = high.z, to[7] = high.w;
}
__device__ __forceinline__ void store_vector(float* memory, const float (&from)[8]) {
    store4(memory, make_float4(from[0], from[1], from[2], from[3]));
    store4(memory + 4, make_float4(from[4], from[5], from[6], from[7]));
}

// Epilogue: out = sums. The parts of a product that is split along k lie `part_stride` apart.
template <typename T>
struct Assign {
    T* out;  // (parts, M, N)
    int64_t stride, part_stride;

    template <int kRun>
    __device__ __forceinline__ void operator()(int part, int64_t row, int column, float (&run)[kRun]) const {
        store_vector(out + part * part_stride + row * stride + column, run);
    }
};

// Epilogue: out += sums.
struct Accumulate {
    float* out;  // (M, N)
    int64_t stride;

    template <int kRun>
    __device__ __forceinline__ void operator()(int, int64_t row, int column, float (&run)[kRun]) const {
        float* to = out + row * stride + column;
        float before[kRun];
        load_vector(before, to);
#pragma unroll
        for (int e = 0; e < kRun; e++) run[e] += before[e];
        store_vector(to, run);
    }
};

// How many rows of tiles a group of blocks goes down before it moves a column on.
constexpr int kGroupRows = 8;

template <typename Tile, typename Epilogue>
__global__ void __launch_bounds__(Tile::kThreads, Tile::kBlocksPerSm)
    gemm_kernel(typename Tile::Left a, typename Tile::Right b, int32_t depth, int32_t part_depth, Epilogue finish) {
    SN9_DYNAMIC_SHARED(unsigned char, shared, Tile::kSharedBytes);
    int row_tiles = static_cast<int>(ceil_div(a.count, Tile::kRows));
    int column_tiles = static_cast<int>(ceil_div(b.count, Tile::kColumns));
    int block = static_cast<int>(blockIdx.x), group = block / (kGroupRows * column_tiles) * kGroupRows;
    int group_rows = min(kGroupRows, row_tiles - group), inside = block % (kGroupRows * column_tiles);
    int row0 = (group + inside % group_rows) * Tile::kRows, column0 = inside / group_rows * Tile::kColumns;
    int part = static_cast<int>(blockIdx.y), from = part * part_depth;
    // Kept in shared memory over the product, whose sums need all registers; multiply has the barriers.
    SN9_SHARED(int, corner, 2);
    if (threadIdx.x == 0) {
        corner[0] = row0;
        corner[1] = column0;
    }
    Tile tile;
    tile.clear();
    tile.multiply(shared, a, b, row0, column0, from, min(depth, from + part_depth));
    row0 = corner[0];
    column0 = corner[1];
    tile.for_each_run([&](int row, int column, auto& run) {
        if (row0 + row < a.count && column0 + column < b.count) finish(part, row0 + row, column0 + column, run);
    });
}

// Launches the product of (M, K) and (K, N), in `parts` parts of k that the epilogue tells apart. op: its name
// in traces and messages.
template <Layout kLayout, typename T, typename Epilogue>
int32_t gemm(const sn9_context* context, const char* op, const typename Tile<kLayout, T>::Left& a,
             const typename Tile<kLayout, T>::Right& b, int64_t depth, const Epilogue& finish, int64_t parts = 1) {
    typedef Tile<kLayout, T> Tile;
    auto kernel = gemm_kernel<Tile, Epilogue>;
    int64_t tiles = ceil_div(a.count, Tile::kRows) * ceil_div(b.count, Tile::kColumns);
    int64_t part_depth = round_up(ceil_div(depth, parts), Tile::kDepth);
    if (int32_t status = allow_shared(op, kernel, Tile::kSharedBytes)) return status;
    return launch(op, kernel, dim3(tiles, parts), dim3(Tile::kThreads), Tile::kSharedBytes, stream_of(context), a, b,
                  depth, part_depth, finish);
}

}  // namespace sn9
