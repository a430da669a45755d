// attention: what its launchers share: checks of the arguments, the head width as a constant, a block per tile.
#pragma once

#include <type_traits>
#include <utility>

#include "attention.cuh"

namespace sn9 {

// Head widths that are compiled: multiples of 16 up to kMostHeadWidth.
constexpr int kHeadWidthStep = 16, kMostHeadWidth = 128;

template <typename Call, int... kSteps>
int32_t with_width(const char* op, int64_t HS, Call call, std::integer_sequence<int, kSteps...>) {
    int32_t status = SN9_UNSUPPORTED;
    bool known = ((HS == (kSteps + 1) * kHeadWidthStep
                       ? (status = call(std::integral_constant<int, (kSteps + 1) * kHeadWidthStep>{}), true)
                       : false) ||
                  ...);
    if (known) return status;
    return fail(
        SN9_UNSUPPORTED,
        "%s: heads of width %lld in memory, expected a multiple of %d up to %d; sn9_padding gives the padded one", op,
        static_cast<long long>(HS), kHeadWidthStep, kMostHeadWidth);
}

// Calls with the head width as a constant.
template <typename Call>
int32_t with_head_width(const char* op, const AttentionProblem& problem, Call call) {
    return with_width(op, problem.HS, call, std::make_integer_sequence<int, kMostHeadWidth / kHeadWidthStep>{});
}

// Calls with the head width, and whether there is dropout, as constants.
template <typename Call>
int32_t with_constants(const char* op, const AttentionProblem& problem, Call call) {
    return with_head_width(op, problem, [&](auto width) {
        return problem.probability > 0 ? call(width, std::true_type{}) : call(width, std::false_type{});
    });
}

// Whether a tensor is there, in pieces of 16 bytes.
inline bool usable(const void* tensor) {
    return tensor && reinterpret_cast<uintptr_t>(tensor) % 16 == 0;
}

// Checks the sizes; tensors: whether all that are needed are usable.
inline int32_t expect_attention(const char* op, const AttentionProblem& problem, int64_t B, int64_t T, int64_t NH,
                                bool tensors) {
    constexpr int64_t kMost = INT32_MAX, kSmallestTile = 32;
    if (B <= 0 || T <= 0 || NH <= 0 || problem.HS <= 0 || T >= kMost / 4 || NH >= kMost ||
        B > kMost / NH / ceil_div(T, kSmallestTile))
        return fail(SN9_BAD_ARGUMENT,
                    "%s: B %lld, T %lld, NH %lld, HS %lld; expected all above 0 and less than 2^31 tiles of %lld rows",
                    op, static_cast<long long>(B), static_cast<long long>(T), static_cast<long long>(NH),
                    static_cast<long long>(problem.HS), static_cast<long long>(kSmallestTile));
    if (!tensors) return fail(SN9_BAD_ARGUMENT, "%s: a tensor is null or not aligned to 16 bytes", op);
    if (!(problem.probability >= 0 && problem.probability < 1) || (problem.probability > 0 && !problem.step))
        return fail(SN9_BAD_ARGUMENT,
                    "%s: dropout with probability %g, expected 0 <= probability < 1, and a step above 0", op,
                    static_cast<double>(problem.probability));
    if (!(problem.scale > 0))
        return fail(SN9_BAD_ARGUMENT, "%s: scale %g, expected more than 0", op, static_cast<double>(problem.scale));
    return SN9_OK;
}

inline AttentionProblem problem_of(const sn9_step* step, float probability, int32_t layer, float scale, int64_t T,
                                   int64_t NH, int64_t HS) {
    return {step, probability, layer, scale, static_cast<int32_t>(T), static_cast<int32_t>(NH), 0, HS, 3 * NH * HS};
}

// Launches a kernel with one block per tile of `rows` rows of each of `heads` heads.
template <typename Kernel, typename... A>
int32_t launch_tiles(const char* name, sn9_context* context, Kernel kernel, int rows, int threads, int bytes,
                     AttentionProblem problem, int64_t heads, A... tensors) {
    problem.tiles = static_cast<int32_t>(ceil_div(problem.T, rows));
    if (int32_t status = allow_shared(name, kernel, static_cast<size_t>(bytes))) return status;
    return launch(name, kernel, dim3(static_cast<unsigned>(heads * problem.tiles)),
                  dim3(static_cast<unsigned>(threads)), static_cast<size_t>(bytes), context->stream, tensors...,
                  problem);
}

}  // namespace sn9
