// op_speed LIBRARY bf16|fp32: how long each operation of GPT-2 124M takes at T = 1024 and B = 64, or fewer sequences
// where memory is short. bf16: as training asks for them, in a training pass; fp32: as evaluation does. Prints a line
// each, median of kRuns, and then all as one line of JSON:
//   op NAME MILLISECONDS BYTES FLOPS bf16|fp32
// BYTES and FLOPS are those of docs/kernels.md, and what rate the FLOPs run at: f32 products that are three of bf16 are
// counted as such. Tensors are larger than any L2 cache from B = 8 on, so that none is found there. The host build runs
// tiny sizes, twice: what it prints is no time of anything.
#include <string>

#include "speed.h"

using namespace sn9::test;

namespace {

constexpr int kRuns = 10;

struct Shape {
    int64_t B, T, C, NH, V, true_V, P;
    int64_t N() const { return B * T; }
    int64_t HS() const { return C / NH; }
};

class Speed {
  public:
    Speed(Device& device, const Shape& shape)
        : device_(device), library_(device.library()), shape_(shape), e_(device.bf16() ? 2 : 4) {
        int64_t N = shape.N(), C = shape.C;
        in_ = noise(device, N * 4 * C, false);
        gradient_ = noise(device, N * 4 * C, false);
        pre_ = noise(device, N * 4 * C, false);
        out_ = device.allocate_activations(N * 4 * C);
        f32_ = static_cast<float*>(noise(device, 4 * C * C, true));
        vector_ = static_cast<float*>(noise(device, 4 * C, true));
        rows_ = static_cast<float*>(noise(device, std::max(2 * N, N * shape.NH), true));
        sn9_step step = {};
        step.learning_rate = 1e-4f, step.beta1 = 0.9f, step.beta2 = 0.95f, step.epsilon = 1e-8f;
        step.bias_correction1 = 0.1f, step.bias_correction2 = 0.05f, step.loss_scale = 1, step.finite = 1;
        step_ = device.upload(std::vector<sn9_step>{step});
    }

    void all() {
        layernorm();
        for (const Matrix& matrix : matrices()) linear(matrix);
        attention();
        head();
        if (device_.bf16()) optimizer();
        std::string json;
        for (const auto& [name, milliseconds] : results_) {
            char text[96];
            snprintf(text, sizeof text, "%s\"%s\":%.4g", json.empty() ? "" : ",", name.c_str(), milliseconds);
            json += text;
        }
        std::string gemm = device_.bf16() ? described(device_, "gemm") : described(device_, "fp32");
        printf("{\"B\":%lld,\"gemm\":\"%s\",%s}\n", static_cast<long long>(shape_.B), gemm.c_str(), json.c_str());
    }

  private:
    struct Matrix {
        const char* name;
        int64_t C, OC;
        bool gelu, residual;  // after the forward product
        bool through_gelu;    // before the gradient of its input
    };
    std::vector<Matrix> matrices() const {
        int64_t C = shape_.C;
        return {{"qkv", C, 3 * C, false, false, false},
                {"attproj", C, C, false, true, false},
                {"fc", C, 4 * C, true, false, false},
                {"fcproj", 4 * C, C, false, true, true}};
    }

    template <typename Work>
    void time(const std::string& name, int64_t bytes, int64_t flops, Work work) {
        std::vector<double> taken = seconds(device_, library_.host() ? 2 : kRuns, work);
        double milliseconds = 1e3 * taken[taken.size() / 2];
        bool product = flops > 0, thrice = product && device_.split();
        printf("op %s %.5g %lld %lld %s\n", name.c_str(), milliseconds, static_cast<long long>(bytes),
               static_cast<long long>(thrice ? 3 * flops : flops), device_.bf16() || thrice ? "bf16" : "fp32");
        results_.emplace_back(name, milliseconds);
    }

    void layernorm() {
        int64_t N = shape_.N(), C = shape_.C;
        float *mean = rows_, *rstd = rows_ + N;
        time("layernorm_forward", 2 * N * C * e_ + 8 * N, 0, [&] {
            return library_.add_layernorm_forward(device_, nullptr, out_, mean, rstd, in_, nullptr, vector_, vector_,
                                                  1e-5f, N, C, C);
        });
        if (!device_.bf16()) return;
        time("layernorm_backward", 4 * N * C * e_ + 8 * N, 0, [&] {
            return library_.layernorm_backward(device_, out_, vector_ + C, vector_ + 2 * C, gradient_, in_, mean, rstd,
                                               vector_, N, C, C);
        });
    }

    void linear(const Matrix& m) {
        int64_t N = shape_.N(), C = m.C, OC = m.OC, flops = 2 * N * C * OC;
        sn9_weight w = prepare(device_, Noise(1).floats(C * OC, 0.05), C, OC, SN9_LINEAR_WEIGHT, device_.bf16());
        int64_t product = (N * C + C * OC + N * OC) * e_, more = N * OC * e_;
        time(std::string("linear_forward ") + m.name, product + (m.residual || (m.gelu && device_.bf16()) ? more : 0),
             flops, [&] {
                 return library_.linear_forward(device_, out_, m.gelu && device_.bf16() ? pre_ : nullptr, in_, &w,
                                                vector_, m.residual ? gradient_ : nullptr,
                                                m.gelu ? SN9_GELU : SN9_NO_ACTIVATION, N);
             });
        if (!device_.bf16()) return;
        time(std::string("linear_backward_input ") + m.name, product + (m.through_gelu ? N * C * e_ : 0), flops, [&] {
            return library_.linear_backward_input(device_, out_, gradient_, &w, m.through_gelu ? pre_ : nullptr,
                                                  m.through_gelu ? SN9_GELU : SN9_NO_ACTIVATION, 0, N);
        });
        time(std::string("linear_backward_weight ") + m.name, (N * C + N * OC) * e_ + 8 * C * OC, flops,
             [&] { return library_.linear_backward_weight(device_, f32_, vector_, in_, gradient_, N, C, OC); });
    }

    void attention() {
        const Shape& s = shape_;
        int64_t N = s.N(), C = s.C, unit = N * s.T * C;
        float scale = 0.125f, *lse = device_.bf16() ? rows_ : nullptr;
        time("attention_forward", 4 * N * C * e_ + (lse ? 4 * N * s.NH : 0), 2 * unit, [&] {
            return library_.attention_forward(device_, out_, lse, in_, nullptr, 0, 0, scale, s.B, s.T, s.NH, s.HS());
        });
        if (!lse) return;
        // out_ holds (N, 4*C): dqkv lies in it behind what the forward pass wrote.
        void* dqkv = skip(device_, out_, N * C);
        time("attention_backward", 8 * N * C * e_ + 16 * N * s.NH, 7 * unit, [&] {
            return library_.attention_backward(device_, dqkv, gradient_, out_, in_, lse, nullptr, 0, 0, scale, s.B, s.T,
                                               s.NH, s.HS());
        });
    }

    void head() {
        int64_t N = shape_.N(), C = shape_.C, V = shape_.V, true_V = shape_.true_V;
        sn9_weight wte = prepare(device_, Noise(2).floats(V * C, 0.05), V, C, SN9_EMBEDDING_WEIGHT, device_.bf16());
        Ints words(static_cast<size_t>(N));
        for (int64_t i = 0; i < N; i++) words[static_cast<size_t>(i)] = static_cast<int32_t>(i * 7919 % true_V);
        const int32_t* targets = device_.upload(words);
        time("head_loss_forward", (N * C + V * C) * e_ + 8 * N, 2 * N * V * C,
             [&] { return library_.head_loss_forward(device_, rows_, in_, &wte, targets, N, true_V); });
        if (!device_.bf16()) return;
        float* dwte = device_.upload(Floats(static_cast<size_t>(V * C)));
        time("head_loss_backward", (2 * N * C + 2 * V * C) * e_ + 12 * N * V, 6 * N * V * C, [&] {
            return library_.head_loss_backward(device_, rows_, out_, dwte, in_, &wte, targets, step_, N, true_V);
        });
    }

    void optimizer() {
        int64_t P = shape_.P;
        auto arena = [&] { return static_cast<float*>(noise(device_, P, true)); };
        float *params = arena(), *grads = arena(), *m = arena(), *v = arena();
        void* copy = device_.allocate_activations(P);
        time("grad_norm", 4 * P, 0, [&] { return library_.grad_norm(device_, step_, grads, P); });
        time("adamw", 30 * P, 0, [&] { return library_.adamw(device_, params, m, v, copy, grads, step_, P, P); });
    }

    Device& device_;
    const Library& library_;
    Shape shape_;
    int64_t e_;
    void *in_, *gradient_, *pre_, *out_;  // (N, 4*C) activations
    float *f32_, *vector_, *rows_;        // (4*C, C), (4*C), two of (N) or one of (N, NH)
    sn9_step* step_;
    std::vector<std::pair<std::string, double>> results_;
};

// Bytes of what Speed allocates, the workspace included, give or take what is small.
int64_t needed(const Device& device, const Shape& s, int64_t workspace) {
    int64_t e = device.bf16() ? 2 : 4;
    return workspace + 16 * s.N() * s.C * e + s.V * s.C * 12 + (device.bf16() ? 18 * s.P : 0);
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 3 || (strcmp(arguments[2], "bf16") && strcmp(arguments[2], "fp32"))) {
        printf("usage: op_speed LIBRARY bf16|fp32\n");
        return 2;
    }
    bool bf16 = !strcmp(arguments[2], "bf16");
    setvbuf(stdout, nullptr, _IOLBF, 0);
    Library library(arguments[1]);
    Device device(library, bf16 ? SN9_PRECISION_BF16 : SN9_PRECISION_FP32);
    Shape shape = {64, 1024, 768, 12, 50304, 50257, 124475904};
    if (library.host()) shape = {2, 24, 64, 1, 256, 200, 5000};
    int64_t workspace = 0;
    for (;; shape.B /= 2) {
        device.check(library.workspace_bytes(device, &workspace, shape.B, shape.T, shape.C, shape.NH, shape.HS(),
                                             4 * shape.C, shape.V, bf16),
                     "workspace_bytes");
        int64_t free = atoll(described(device, "free_bytes").c_str());
        if (shape.B == 1 || needed(device, shape, workspace) < free / 10 * 9) break;
    }
    device.check(library.context_reserve(device, workspace), "context_reserve");
    if (bf16) device.check(library.training_pass(device, 1), "training_pass");
    Speed(device, shape).all();
    return 0;
}
