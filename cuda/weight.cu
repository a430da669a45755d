// weight: padding, prepared weights and the size of the workspace. Layouts of a prepared weight: weight.cuh.
// bytes: rows*cols * (bytes of the source's element + of the copies), once per model.
#include "weight.cuh"

#include "expect.cuh"
#include "workspace.cuh"

namespace {

bool is_bf16(const sn9_context* context) {
    return context->precision == SN9_PRECISION_BF16;
}

}  // namespace

int32_t sn9_padding(sn9_context* context, int64_t* channels, int64_t* head, int64_t* vocabulary) {
    SN9_EXPECT(context && channels && head && vocabulary, "padding: null argument");
    *channels = sn9::kChannelPadding;
    *head = sn9::kHeadPadding;
    *vocabulary = sn9::kVocabularyPadding;
    return SN9_OK;
}

int32_t sn9_workspace_bytes(sn9_context* context, int64_t* bytes, int64_t B, int64_t T, int64_t C, int64_t NH,
                            int64_t HS, int64_t F, int64_t V, int32_t training) {
    SN9_EXPECT(context && bytes, "workspace_bytes: null argument");
    typedef long long ll;
    SN9_EXPECT(B > 0 && T > 0 && C > 0 && NH > 0 && HS > 0 && F > 0 && V > 0,
               "workspace_bytes: B %lld, T %lld, C %lld, NH %lld, HS %lld, F %lld, V %lld", (ll)B, (ll)T, (ll)C, (ll)NH,
               (ll)HS, (ll)F, (ll)V);
    int64_t N = B * T, A = NH * HS, most = 4096;
    auto at_least = [&](int64_t needed) { most = needed > most ? needed : most; };
    at_least(sn9::head_loss_workspace_bytes(context, N, V, training != 0));
    if (training) {
        at_least(sn9::embed_workspace_bytes(N));
        at_least(sn9::attention_workspace_bytes(B, T, NH, true));
        at_least(sn9::layernorm_workspace_bytes(N, C));
        at_least(sn9::grad_norm_workspace_bytes());
        at_least(sn9::linear_workspace_bytes(N, C, 3 * A));
        at_least(sn9::linear_workspace_bytes(N, A, C));
        at_least(sn9::linear_workspace_bytes(N, C, F));
        at_least(sn9::linear_workspace_bytes(N, F, C));
    }
    *bytes = most;
    return SN9_OK;
}

int32_t sn9_weight_bytes(sn9_context* context, int64_t* bytes, int64_t rows, int64_t cols, int32_t kind,
                         int32_t trained) {
    SN9_EXPECT(context && bytes && rows > 0 && cols > 0, "weight_bytes: [%lld, %lld]", static_cast<long long>(rows),
               static_cast<long long>(cols));
    int64_t n = rows * cols;
    if (is_bf16(context))
        *bytes = n * 2;
    else if (trained)
        *bytes = 0;
    else
        *bytes = context->split && kind == SN9_EMBEDDING_WEIGHT ? n * 8 + cols * 4 : n * 4;
    return SN9_OK;
}

int32_t sn9_weight_prepare(sn9_context* context, sn9_weight* weight, void* storage, const void* source,
                           int32_t source_type, int64_t rows, int64_t cols, int32_t kind, int32_t trained) {
    SN9_EXPECT(context && weight && source && rows > 0 && cols > 0, "weight_prepare: [%lld, %lld], or a null pointer",
               static_cast<long long>(rows), static_cast<long long>(cols));
    SN9_EXPECT(cols % sn9::kHeadPadding == 0 && rows % sn9::kHeadPadding == 0,
               "weight_prepare: [%lld, %lld] is not padded: sn9_padding tells to what", static_cast<long long>(rows),
               static_cast<long long>(cols));
    SN9_EXPECT(!trained || source_type == SN9_F32, "weight_prepare: a trained weight is f32, not of element type %d",
               source_type);
    bool copied = is_bf16(context) || !trained;
    SN9_EXPECT(!copied || storage, "weight_prepare: no storage");
    *weight = {};
    weight->rows = rows;
    weight->cols = cols;
    weight->kind = kind;
    if (trained) weight->source = static_cast<const float*>(source);
    if (!copied) return SN9_OK;
    weight->packed = storage;
    bool split = sn9::is_split(context, weight);
    if (split && kind == SN9_LINEAR_WEIGHT) return sn9::split_weight(context, weight, source, source_type);
    if (int32_t status =
            sn9_cast(context, storage, is_bf16(context) ? SN9_BF16 : SN9_F32, source, source_type, rows * cols))
        return status;
    return split ? sn9::split_embedding(context, weight) : SN9_OK;
}
