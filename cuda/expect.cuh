// expect: what launchers check about their arguments before anything is launched.
#pragma once

#include "context.cuh"
#include "error.h"

// Returns SN9_BAD_ARGUMENT with a message unless the condition holds.
#define SN9_EXPECT(condition, ...) \
    if (!(condition)) return ::sn9::fail(SN9_BAD_ARGUMENT, __VA_ARGS__)

namespace sn9 {

// Widths that sn9_padding asks for. An attention width, being heads times a padded head, is a multiple of the latter.
constexpr int64_t kChannelPadding = 64, kHeadPadding = 16, kVocabularyPadding = 128;

inline int32_t expect_workspace(const sn9_context* context, int64_t bytes, const char* op) {
    if (bytes <= context->workspace_bytes) return SN9_OK;
    return fail(SN9_BAD_ARGUMENT, "%s: the workspace has %lld bytes and needs %lld; reserve it first", op,
                static_cast<long long>(context->workspace_bytes), static_cast<long long>(bytes));
}

}  // namespace sn9
