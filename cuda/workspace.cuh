// workspace: what each operation needs of it, in bytes; defined beside the operation.
#pragma once

#include "context.cuh"

namespace sn9 {

int64_t embed_workspace_bytes(int64_t N);
int64_t layernorm_workspace_bytes(int64_t N, int64_t C);
int64_t grad_norm_workspace_bytes();
int64_t linear_workspace_bytes(int64_t N, int64_t C, int64_t OC);
int64_t head_loss_workspace_bytes(const sn9_context* context, int64_t N, int64_t V, bool training);

}  // namespace sn9
