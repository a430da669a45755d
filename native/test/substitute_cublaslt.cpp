// substitute_cublaslt: stands for libcublasLt.so where there is no GPU: products of column-major matrices in memory of
// the host build (native/cudahost), in the order of its streams, refused where cuBLASLt's documentation refuses them.
// Written against that documentation (cuBLAS 13.0, "Using the cuBLASLt API") and not against cuda/cublaslt_api.cuh, so
// that a wrong value there shows. Bit for bit it is nobody's: sums are f64, each part of a split k rounded to f32.
// -DSN9_INCOMPLETE leaves cublasLtMatmul out.
#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string_view>
#include <vector>

namespace {

enum Status { SUCCESS = 0, ALLOC_FAILED = 3, INVALID_VALUE = 7, EXECUTION_FAILED = 13, NOT_SUPPORTED = 15 };
constexpr int32_t R_32F = 0, R_16BF = 14, COMPUTE_32F = 68, OP_T = 1;
constexpr uint32_t EPILOGUE_DEFAULT = 1, EPILOGUE_BIAS = 4, EPILOGUE_DGELU = 192;
constexpr uint32_t SCHEME_INPLACE = 1, SCHEME_COMPUTE_TYPE = 2;

struct Host {  // of the host build that this process has open
    int32_t (*refuse_in_capture)(const char*) = nullptr;
    int32_t (*holds)(const void*, uint64_t) = nullptr;
    int32_t (*enqueue)(void*, const void*, const std::function<void()>*) = nullptr;
};

const Host* host() {
    static const Host found = [] {
        Host made;
        dl_iterate_phdr(
            [](dl_phdr_info* info, size_t, void* to) {
                if (!std::string_view(info->dlpi_name).ends_with("libsn9cudahost.so")) return 0;
                void* library = dlopen(info->dlpi_name, RTLD_NOW | RTLD_NOLOAD);
                Host& host = *static_cast<Host*>(to);
                host.refuse_in_capture =
                    reinterpret_cast<int32_t (*)(const char*)>(dlsym(library, "sn9_host_refuse_in_capture"));
                host.holds = reinterpret_cast<int32_t (*)(const void*, uint64_t)>(dlsym(library, "sn9_host_holds"));
                host.enqueue = reinterpret_cast<int32_t (*)(void*, const void*, const std::function<void()>*)>(
                    dlsym(library, "sn9_host_enqueue"));
                return 1;
            },
            &made);
        return made;
    }();
    return found.enqueue ? &found : nullptr;
}

struct Layout {
    int32_t type;
    int64_t rows, columns, ld;

    int64_t bytes(int64_t elements) const { return elements * (type == R_16BF ? 2 : 4); }
    int64_t extent() const { return bytes(ld * (columns - 1) + rows); }
    bool operator==(const Layout&) const = default;
};
struct Desc {
    int32_t compute, scale, transpose_a = 0, transpose_b = 0;
    uint32_t epilogue = EPILOGUE_DEFAULT;
    void *bias = nullptr, *aux = nullptr;
    int64_t aux_ld = 0;
};
struct Preference {
    uint64_t workspace = 0;
    uint32_t schemes = 7, alignment[4] = {256, 256, 256, 256};
};
struct Algorithm {
    uint64_t magic;
    int64_t M, N, K;
    uint32_t epilogue;
    int32_t result_type;
    int32_t parts, scheme;
    bool out_of_place;  // D may be another matrix than C
    uint64_t workspace;
};
static_assert(sizeof(Algorithm) <= 64);
struct Heuristic {
    Algorithm algorithm;
    char rest[64 - sizeof(Algorithm)];
    size_t workspace;
    int32_t state;
    float waves;
    int32_t reserved[4];
};
constexpr uint64_t kMagic = 0x5355425354495455u;

int64_t calls = 0;              // of cublasLtMatmul that were taken
uint32_t refused_epilogue = 0;  // for which the heuristics find nothing

float load(const void* memory, int32_t type, int64_t i) {
    if (type == R_32F) return static_cast<const float*>(memory)[i];
    uint32_t bits = static_cast<uint32_t>(static_cast<const uint16_t*>(memory)[i]) << 16;
    float value;
    memcpy(&value, &bits, 4);
    return value;
}
void store(void* memory, int32_t type, int64_t i, float value) {
    if (type == R_32F) {
        static_cast<float*>(memory)[i] = value;
        return;
    }
    uint32_t bits;
    memcpy(&bits, &value, 4);
    bool nan = value != value;
    static_cast<uint16_t*>(memory)[i] =
        nan ? 0x7FFF : static_cast<uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}

// Of 0.5 x (1 + tanh(u)), u = sqrt(2/pi) (x + 0.044715 x^3).
double gelu_gradient(double x) {
    double u = std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x), t = std::tanh(u);
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * std::sqrt(2 / M_PI) * (1 + 3 * 0.044715 * x * x);
}

// D (M, N) = epilogue(alpha * op(A) (M, K) * op(B) (K, N) + beta * C), all column-major.
struct Product {
    Desc desc;
    Layout a, b, c, d;
    const void *A, *B, *C;
    void *D, *workspace;
    float alpha, beta;
    Algorithm how;

    float part(int64_t i, int64_t j, int64_t from, int64_t to) const {
        double sum = 0;
        for (int64_t k = from; k < to; k++)
            sum += static_cast<double>(load(A, a.type, desc.transpose_a ? k + i * a.ld : i + k * a.ld)) *
                   load(B, b.type, desc.transpose_b ? j + k * b.ld : k + j * b.ld);
        return static_cast<float>(sum);
    }
    // The parts of k lie in the workspace before they are added, in order; in place it would be any order.
    float product(int64_t i, int64_t j, int64_t turn) const {
        if (how.parts == 1) return part(i, j, 0, how.K);
        float* kept = static_cast<float*>(workspace);
        int64_t depth = (how.K + how.parts - 1) / how.parts, at = (j * how.M + i) * how.parts;
        for (int64_t p = 0; p < how.parts; p++) kept[at + p] = part(i, j, p * depth, std::min(how.K, (p + 1) * depth));
        float sum = 0;
        for (int64_t p = 0; p < how.parts; p++)
            sum += kept[at + (how.scheme == SCHEME_INPLACE ? (p + turn) % how.parts : p)];
        return sum;
    }
    void run() const {
        static int64_t turn = 0;
        turn++;
        std::vector<float> before(static_cast<size_t>(how.M * how.N));
        if (beta != 0)
            for (int64_t j = 0; j < how.N; j++)
                for (int64_t i = 0; i < how.M; i++) before[j * how.M + i] = load(C, c.type, i + j * c.ld);
        for (int64_t j = 0; j < how.N; j++)
            for (int64_t i = 0; i < how.M; i++) {
                float value = alpha * product(i, j, turn);
                if (beta != 0) value += beta * before[j * how.M + i];
                if (desc.epilogue == EPILOGUE_BIAS) value += load(desc.bias, d.type, i);
                if (desc.epilogue == EPILOGUE_DGELU)
                    value = static_cast<float>(value * gelu_gradient(load(desc.aux, d.type, i + j * desc.aux_ld)));
                store(D, d.type, i + j * d.ld, value);
            }
    }
};

bool aligned(const void* memory, uint64_t bytes) {
    return reinterpret_cast<uintptr_t>(memory) % bytes == 0;
}

// What the documentation asks of descriptors that belong together.
Status agree(const Desc& desc, const Layout& a, const Layout& b, const Layout& c, const Layout& d) {
    int64_t M = desc.transpose_a ? a.columns : a.rows, K = desc.transpose_a ? a.rows : a.columns;
    int64_t N = desc.transpose_b ? b.rows : b.columns;
    if ((desc.transpose_b ? b.columns : b.rows) != K || d.rows != M || d.columns != N) return INVALID_VALUE;
    if (c.type != d.type || c.rows != d.rows || c.columns != d.columns) return INVALID_VALUE;
    if (desc.compute != COMPUTE_32F || desc.scale != R_32F || a.type != R_16BF || b.type != R_16BF)
        return NOT_SUPPORTED;
    // Tensor cores: contiguous runs of 16 bytes.
    for (const Layout* layout : {&a, &b, &c, &d})
        if (layout->bytes(layout->ld) % 16 != 0) return NOT_SUPPORTED;
    switch (desc.epilogue) {
        case EPILOGUE_DEFAULT:
            return SUCCESS;
        case EPILOGUE_BIAS:
            return desc.bias && aligned(desc.bias, 16) ? SUCCESS : INVALID_VALUE;
        case EPILOGUE_DGELU:
            if (!desc.aux || !aligned(desc.aux, 16) || desc.aux_ld % 8 != 0 || desc.aux_ld < M) return INVALID_VALUE;
            return d.type == R_16BF ? SUCCESS : NOT_SUPPORTED;
        default:
            return NOT_SUPPORTED;
    }
}

template <typename T>
Status assign(T* to, const void* value, size_t bytes) {
    if (!value || bytes != sizeof(T)) return INVALID_VALUE;
    memcpy(to, value, bytes);
    return SUCCESS;
}

}  // namespace

extern "C" {

size_t cublasLtGetVersion() {
    return 130002;
}

Status cublasLtCreate(void** handle) {
    if (!host() || host()->refuse_in_capture("cublasLtCreate")) return ALLOC_FAILED;
    *handle = new char;
    return SUCCESS;
}
Status cublasLtDestroy(void* handle) {
    delete static_cast<char*>(handle);
    return SUCCESS;
}

Status cublasLtMatmulDescCreate(Desc** desc, int32_t compute, int32_t scale) {
    *desc = new Desc{compute, scale};
    return SUCCESS;
}
Status cublasLtMatmulDescDestroy(Desc* desc) {
    delete desc;
    return SUCCESS;
}
Status cublasLtMatmulDescSetAttribute(Desc* desc, int32_t attribute, const void* value, size_t bytes) {
    switch (attribute) {
        case 3:  // TRANSA
            return assign(&desc->transpose_a, value, bytes);
        case 4:  // TRANSB
            return assign(&desc->transpose_b, value, bytes);
        case 7:  // EPILOGUE
            return assign(&desc->epilogue, value, bytes);
        case 8:  // BIAS_POINTER
            return assign(&desc->bias, value, bytes);
        case 11:  // EPILOGUE_AUX_POINTER
            return assign(&desc->aux, value, bytes);
        case 12:  // EPILOGUE_AUX_LD
            return assign(&desc->aux_ld, value, bytes);
        default:
            return INVALID_VALUE;
    }
}

Status cublasLtMatrixLayoutCreate(Layout** layout, int32_t type, uint64_t rows, uint64_t columns, int64_t ld) {
    if ((type != R_32F && type != R_16BF) || rows == 0 || columns == 0 || ld < static_cast<int64_t>(rows))
        return INVALID_VALUE;
    *layout = new Layout{type, static_cast<int64_t>(rows), static_cast<int64_t>(columns), ld};
    return SUCCESS;
}
Status cublasLtMatrixLayoutDestroy(Layout* layout) {
    delete layout;
    return SUCCESS;
}

Status cublasLtMatmulPreferenceCreate(Preference** preference) {
    *preference = new Preference;
    return SUCCESS;
}
Status cublasLtMatmulPreferenceDestroy(Preference* preference) {
    delete preference;
    return SUCCESS;
}
Status cublasLtMatmulPreferenceSetAttribute(Preference* preference, int32_t attribute, const void* value,
                                            size_t bytes) {
    if (attribute == 1) return assign(&preference->workspace, value, bytes);  // MAX_WORKSPACE_BYTES
    if (attribute == 3) return assign(&preference->schemes, value, bytes);    // REDUCTION_SCHEME_MASK
    if (attribute >= 5 && attribute <= 8)                                     // MIN_ALIGNMENT_A to _D_BYTES
        return assign(&preference->alignment[attribute - 5], value, bytes);
    return INVALID_VALUE;
}

// Splits k of 1024 and more in four: in place where that is allowed, else in the workspace where it is large enough.
Status cublasLtMatmulAlgoGetHeuristic(void* handle, Desc* desc, Layout* a, Layout* b, Layout* c, Layout* d,
                                      Preference* preference, int asked, Heuristic* results, int* found) {
    *found = 0;
    if (!handle || asked < 1 || host()->refuse_in_capture("cublasLtMatmulAlgoGetHeuristic")) return INVALID_VALUE;
    if (Status status = agree(*desc, *a, *b, *c, *d)) return status;
    if (desc->epilogue == refused_epilogue) return NOT_SUPPORTED;
    // The addresses that will come are as aligned as was said, and not more.
    for (uint32_t alignment : preference->alignment)
        if (alignment != 16) return NOT_SUPPORTED;
    Algorithm made = {kMagic, d->rows, d->columns, desc->transpose_a ? a->rows : a->columns, desc->epilogue, d->type, 1,
                      0,      c != d,  0};
    uint64_t needed = static_cast<uint64_t>(made.M * made.N) * 4 * sizeof(float);
    if (made.K >= 1024 && needed <= preference->workspace && (preference->schemes & 3)) {
        made.parts = 4;
        made.scheme = preference->schemes & SCHEME_INPLACE ? SCHEME_INPLACE : SCHEME_COMPUTE_TYPE;
        made.workspace = needed;
    }
    results[0] = {made, {}, made.workspace, SUCCESS, 1, {}};
    *found = 1;
    return SUCCESS;
}

#ifndef SN9_INCOMPLETE
Status cublasLtMatmul(void* handle, Desc* desc, const float* alpha, const void* A, Layout* a, const void* B, Layout* b,
                      const float* beta, const void* C, Layout* c, void* D, Layout* d, const Algorithm* algorithm,
                      void* workspace, size_t workspace_bytes, void* stream) {
    if (!handle || !algorithm || algorithm->magic != kMagic) return INVALID_VALUE;
    if (Status status = agree(*desc, *a, *b, *c, *d)) return status;
    const Algorithm& how = *algorithm;
    int64_t K = desc->transpose_a ? a->rows : a->columns;
    if (how.M != d->rows || how.N != d->columns || how.K != K || how.epilogue != desc->epilogue ||
        how.result_type != d->type)
        return INVALID_VALUE;
    if (C == D ? !(*c == *d) : !how.out_of_place) return INVALID_VALUE;
    struct Operand {
        const void* memory;
        int64_t bytes;
    };
    const Operand operands[] = {
        {A, a->extent()},
        {B, b->extent()},
        {C, c->extent()},
        {D, d->extent()},
        {desc->epilogue == EPILOGUE_BIAS ? desc->bias : D, d->bytes(d->rows)},
        {desc->epilogue == EPILOGUE_DGELU ? desc->aux : D, d->bytes(desc->aux_ld * (d->columns - 1) + d->rows)}};
    for (const Operand& operand : operands)
        if (!aligned(operand.memory, 16) || !host()->holds(operand.memory, operand.bytes)) return INVALID_VALUE;
    if (how.workspace > workspace_bytes ||
        (how.workspace && (!aligned(workspace, 256) || !host()->holds(workspace, how.workspace))))
        return INVALID_VALUE;
    Product product = {*desc, *a, *b, *c, *d, A, B, C, D, workspace, *alpha, *beta, how};
    static const char kernels[16] = {};
    const char* kernel = kernels + (how.result_type == R_16BF) + 2 * (how.parts > 1) +
                         4 * (how.epilogue == EPILOGUE_BIAS) + 8 * (how.epilogue == EPILOGUE_DGELU);
    std::function<void()> run = [product] { product.run(); };
    if (host()->enqueue(stream, kernel, &run)) return EXECUTION_FAILED;
    calls++;
    return SUCCESS;
}
#endif

// For tests: how many products were asked for; an epilogue for which the heuristics find nothing, 0 for none.
int64_t sn9_substitute_calls() {
    return calls;
}
void sn9_substitute_refuse(uint32_t epilogue) {
    refused_epilogue = epilogue;
}
}
