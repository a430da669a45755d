// cublaslt: opens cuBLASLt, plans products and asks for them. Row-major (M, N) is column-major (N, M), so that the
// library is asked for the transposed product with its operands exchanged, and nothing is moved.
// bytes: (M*K + K*N)*e, what out, add and pre have, and a bf16 bias; 2*M*N*K FLOPs. Compute bound at a model's sizes.
// Numerics: products of bf16, sums in f32; the first algorithm of the library's own heuristics, which has no clock, is
// kept for a product's sizes, and parts of k are added in a fixed order: the same bits for the same sizes on the same
// device and version of the library.
// Method: cuBLAS 13.0 documentation, "Using the cuBLASLt API" (https://docs.nvidia.com/cuda/cublas/).
#include "cublaslt.cuh"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <tuple>

#include "cublaslt_api.cuh"
#include "expect.cuh"

namespace sn9 {
namespace {

// The table: devices on which the library's kernels are the faster ones, having wgmma and tcgen05 (docs/kernels.md).
constexpr int kServedCapabilities[] = {90, 100};
// What NVIDIA recommends for these (cublasSetWorkspace); alignment: cublasLtMatmul.
constexpr size_t kLibraryWorkspace = size_t{32} << 20;
// What every tensor of ours has, whatever its address: a plan holds for all of them.
constexpr uint32_t kOperandAlignment = 16;
constexpr const char* kEnvironment = "SN9_CUBLASLT";  // a path, or off

// What a plan depends on: layout, M, N, K, whether out is f32, add is another matrix, what the epilogue is.
typedef std::tuple<Layout, int64_t, int64_t, int64_t, bool, bool, uint32_t> Sizes;

struct Plan {
    lt::Desc desc = nullptr;
    lt::MatrixLayout a = nullptr, b = nullptr, c = nullptr, d = nullptr;
    lt::Algorithm algorithm = {};
    bool found = false;
};

bool in_table(int compute_capability) {
    for (int served : kServedCapabilities)
        if (served == compute_capability) return true;
    return false;
}

}  // namespace

struct Cublaslt {
    lt::Api api = {};
    lt::Handle handle = nullptr;
    std::string version, why_not;  // one of them is empty
    char* workspace = nullptr;     // kLibraryWorkspace
    std::map<Sizes, Plan> plans;
    int without_algorithm = 0;  // plans
};

namespace {

int32_t check(lt::Status status, const char* op, const char* function) {
    if (status == lt::kSuccess) return SN9_OK;
    return fail(SN9_DEVICE_FAILED, "%s: cublasLt%s failed with cuBLAS status %d; %s=off does without cuBLASLt", op,
                function, status, kEnvironment);
}

// The opened library, or null with the reason in why.
void* open_library(std::string& why) {
    const char* named = getenv(kEnvironment);
    if (named && !strcmp(named, "off")) {
        why = std::string(kEnvironment) + " is off";
        return nullptr;
    }
#ifdef SN9_CUDA_HOST
    // A real one cannot take the streams of the host build.
    if (!named) {
        why = std::string("the host build opens no cuBLASLt but one named by ") + kEnvironment;
        return nullptr;
    }
#endif
    const char* names[] = {named ? named : "libcublasLt.so.13", named ? nullptr : "libcublasLt.so.12"};
    for (const char* name : names) {
        if (!name) continue;
        if (void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return library;
        const char* reason = dlerror();
        if (why.empty()) why = reason ? reason : name;
    }
    return nullptr;
}

std::string version_of(size_t number) {
    return std::to_string(number / 10000) + "." + std::to_string(number / 100 % 100) + "." +
           std::to_string(number % 100);
}

// Fills the library in, or says why it cannot be used.
void load(Cublaslt& to) {
    void* library = open_library(to.why_not);
    if (!library) return;
    to.why_not.clear();
#define SN9_LT_FIND(result, name, parameters)                                                \
    to.api.name = reinterpret_cast<decltype(to.api.name)>(dlsym(library, "cublasLt" #name)); \
    if (!to.api.name) to.why_not = "the library has no cublasLt" #name;
    SN9_LT_FUNCTIONS(SN9_LT_FIND)
#undef SN9_LT_FIND
    if (!to.why_not.empty()) return;
    if (lt::Status status = to.api.Create(&to.handle)) {
        to.handle = nullptr;
        to.why_not = "cublasLtCreate failed with cuBLAS status " + std::to_string(status);
        return;
    }
    to.version = version_of(to.api.GetVersion());
}

void destroy(const lt::Api& api, const Plan& plan) {
    for (lt::MatrixLayout layout : {plan.a, plan.b, plan.c, plan.d})
        if (layout) api.MatrixLayoutDestroy(layout);
    if (plan.desc) api.MatmulDescDestroy(plan.desc);
}

uint32_t epilogue_of(const LibraryProduct& product) {
    return product.pre ? lt::kDGelu : product.bias ? lt::kBias : lt::kNone;
}

Sizes sizes_of(const LibraryProduct& product) {
    return {product.layout,      product.M,       product.N,
            product.K,           product.out_f32, product.add && product.add != product.out,
            epilogue_of(product)};
}

// Where this product's bias and pre lie; the library reads the addresses when it is asked for the product.
int32_t point(const lt::Api& api, lt::Desc desc, const LibraryProduct& product) {
    if (product.bias)
        if (int32_t failed =
                check(api.MatmulDescSetAttribute(desc, lt::kBiasPointer, &product.bias, sizeof product.bias),
                      product.op, "MatmulDescSetAttribute(bias)"))
            return failed;
    if (product.pre)
        return check(api.MatmulDescSetAttribute(desc, lt::kAuxPointer, &product.pre, sizeof product.pre), product.op,
                     "MatmulDescSetAttribute(aux)");
    return SN9_OK;
}

// The library's a is our b and its b our a.
int32_t describe(const lt::Api& api, Plan& plan, const LibraryProduct& product) {
    int64_t M = product.M, N = product.N, K = product.K;
    bool a_transposed = product.layout == Layout::NT, b_transposed = product.layout == Layout::TN;
    auto layout = [&](lt::MatrixLayout* made, int32_t type, int64_t rows, int64_t columns) {
        return check(
            api.MatrixLayoutCreate(made, type, static_cast<uint64_t>(rows), static_cast<uint64_t>(columns), rows),
            product.op, "MatrixLayoutCreate");
    };
    int32_t result = product.out_f32 ? lt::kF32 : lt::kBf16;
    if (int32_t failed = layout(&plan.a, lt::kBf16, a_transposed ? K : N, a_transposed ? N : K)) return failed;
    if (int32_t failed = layout(&plan.b, lt::kBf16, b_transposed ? M : K, b_transposed ? K : M)) return failed;
    if (int32_t failed = layout(&plan.d, result, N, M)) return failed;
    if (product.add && product.add != product.out)
        if (int32_t failed = layout(&plan.c, result, N, M)) return failed;
    if (int32_t failed =
            check(api.MatmulDescCreate(&plan.desc, lt::kComputeF32, lt::kF32), product.op, "MatmulDescCreate"))
        return failed;
    auto set = [&](int32_t attribute, const auto& value) {
        return check(api.MatmulDescSetAttribute(plan.desc, attribute, &value, sizeof value), product.op,
                     "MatmulDescSetAttribute");
    };
    if (int32_t failed = set(lt::kTransA, int32_t{a_transposed ? lt::kTransposed : lt::kPlain})) return failed;
    if (int32_t failed = set(lt::kTransB, int32_t{b_transposed ? lt::kTransposed : lt::kPlain})) return failed;
    if (int32_t failed = set(lt::kEpilogue, epilogue_of(product))) return failed;
    if (product.pre)
        if (int32_t failed = set(lt::kAuxLd, N)) return failed;
    // The heuristics look at the alignment of what is pointed at.
    return point(api, plan.desc, product);
}

// The first algorithm of the heuristics, or none.
int32_t choose(const Cublaslt& library, lt::Preference preference, Plan& plan, const char* op) {
    auto set = [&](int32_t attribute, const auto& value) {
        return check(library.api.MatmulPreferenceSetAttribute(preference, attribute, &value, sizeof value), op,
                     "MatmulPreferenceSetAttribute");
    };
    if (int32_t failed = set(lt::kMaxWorkspace, uint64_t{kLibraryWorkspace})) return failed;
    if (int32_t failed = set(lt::kReductionMask, lt::kReduceInComputeType)) return failed;
    for (int32_t matrix = lt::kMinAlignmentA; matrix <= lt::kMinAlignmentD; matrix++)
        if (int32_t failed = set(matrix, kOperandAlignment)) return failed;
    lt::HeuristicResult result = {};
    int found = 0;
    lt::Status status = library.api.MatmulAlgoGetHeuristic(
        library.handle, plan.desc, plan.a, plan.b, plan.c ? plan.c : plan.d, plan.d, preference, 1, &result, &found);
    if (status != lt::kSuccess && status != lt::kNotSupported) return check(status, op, "MatmulAlgoGetHeuristic");
    plan.found = status == lt::kSuccess && found > 0 && result.state == lt::kSuccess;
    plan.algorithm = result.algorithm;
    return SN9_OK;
}

int32_t make(const Cublaslt& library, Plan& plan, const LibraryProduct& product) {
    if (int32_t failed = describe(library.api, plan, product)) return failed;
    lt::Preference preference = nullptr;
    if (int32_t failed = check(library.api.MatmulPreferenceCreate(&preference), product.op, "MatmulPreferenceCreate"))
        return failed;
    int32_t status = choose(library, preference, plan, product.op);
    library.api.MatmulPreferenceDestroy(preference);
    return status;
}

}  // namespace

int32_t cublaslt_open(sn9_context* context) {
    if (context->cublaslt || context->precision != SN9_PRECISION_BF16 || !in_table(context->compute_capability))
        return SN9_OK;
    if (context->capturing)
        return fail(SN9_BAD_ARGUMENT,
                    "training_pass: the first one opens cuBLASLt, which a capture does not permit; run one before");
    auto made = std::unique_ptr<Cublaslt>(new (std::nothrow) Cublaslt);
    if (!made) return fail(SN9_OUT_OF_MEMORY, "training_pass: out of memory");
    load(*made);
    if (made->why_not.empty()) {
        void* memory = nullptr;
        if (int32_t failed = sn9_alloc(context, static_cast<int64_t>(kLibraryWorkspace), &memory)) {
            made->api.Destroy(made->handle);
            return failed;
        }
        made->workspace = static_cast<char*>(memory);
    }
    context->cublaslt = made.release();
    return SN9_OK;
}

int32_t cublaslt_close(sn9_context* context) {
    std::unique_ptr<Cublaslt> library(context->cublaslt);
    context->cublaslt = nullptr;
    if (!library || !library->handle) return SN9_OK;
    for (const auto& [sizes, plan] : library->plans) destroy(library->api, plan);
    int32_t status = check(library->api.Destroy(library->handle), "context_close", "Destroy");
    cudaError_t freed = cudaFree(library->workspace);
    return status ? status : sn9::check(freed, "context_close");
}

bool cublaslt_serves(const sn9_context* context) {
    return context->training && context->cublaslt && context->cublaslt->handle;
}

void cublaslt_describe(const sn9_context* context, char* text, int64_t bytes) {
    const Cublaslt* library = context->cublaslt;
    std::string why;
    if (context->precision != SN9_PRECISION_BF16)
        why = "cuBLASLt multiplies bf16 only";
    else if (!in_table(context->compute_capability))
        why = "the table has cuBLASLt for sm_90 and sm_100";
    else if (!library)
        why = "cuBLASLt is for training passes, and there was none";
    else
        why = library->why_not.substr(0, 300);
    for (char& c : why)
        if (c == '\n') c = ' ';
    std::string lines;
    if (!why.empty())
        lines = "gemm=own\ngemm_reason=" + why + "\n";
    else if (library->without_algorithm)
        lines = "gemm=cuBLASLt " + library->version + ", own for " + std::to_string(library->without_algorithm) +
                " of " + std::to_string(library->plans.size()) + " products\n";
    else
        lines = "gemm=cuBLASLt " + library->version + "\n";
    if (context->precision == SN9_PRECISION_BF16 && in_table(context->compute_capability))
        lines += "gemm_workspace_bytes=" + std::to_string(kLibraryWorkspace) + "\n";
    snprintf(text, static_cast<size_t>(bytes), "%s", lines.c_str());
}

int32_t cublaslt_plan(const sn9_context* context, const LibraryProduct& product, bool* found) {
    Cublaslt& library = *context->cublaslt;
    auto known = library.plans.find(sizes_of(product));
    if (known == library.plans.end()) {
        if (context->capturing)
            return fail(
                SN9_BAD_ARGUMENT,
                "%s: cuBLASLt has no plan for M %lld, N %lld, K %lld, and a capture permits making none; run the "
                "operation once before",
                product.op, static_cast<long long>(product.M), static_cast<long long>(product.N),
                static_cast<long long>(product.K));
        Plan plan;
        if (int32_t failed = make(library, plan, product)) {
            destroy(library.api, plan);
            return failed;
        }
        if (!plan.found) library.without_algorithm++;
        known = library.plans.emplace(sizes_of(product), plan).first;
    }
    *found = known->second.found;
    return SN9_OK;
}

int32_t cublaslt_multiply(const sn9_context* context, const LibraryProduct& product) {
    const Cublaslt& library = *context->cublaslt;
    const Plan& plan = library.plans.at(sizes_of(product));
    if (int32_t failed = point(library.api, plan.desc, product)) return failed;
    float alpha = 1, beta = product.add ? 1 : 0;
    const void* c = product.add ? product.add : product.out;
    return check(library.api.Matmul(library.handle, plan.desc, &alpha, product.b, plan.a, product.a, plan.b, &beta, c,
                                    plan.c ? plan.c : plan.d, product.out, plan.d, &plan.algorithm, library.workspace,
                                    kLibraryWorkspace, context->stream),
                 product.op, "Matmul");
}

}  // namespace sn9
