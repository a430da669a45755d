// cublaslt: linear in training passes of bf16, by cuBLASLt where the table names it, against plain double-precision
// loops; what is asked of the library and what is not; what is said of a library that cannot be used; captures. On the
// host build a substitute stands for the library (substitute_cublaslt.cpp), on a device the real one, where it is
// found.
#include <filesystem>

#include "linear_case.h"

using namespace sn9::test;

namespace {

constexpr const char* kEnvironment = "SN9_CUBLASLT";
constexpr uint32_t kDGelu = 192;  // CUBLASLT_EPILOGUE_DGELU

// The substitute, which is built beside this test, and what it counts.
class Substitute {
  public:
    explicit Substitute(const Library& library) : host_(library.host()) {
        if (!host_) return;
        folder_ = std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / "substitute/";
        use("libcublasLt.so.13");
        void* opened = dlopen((folder_ + "libcublasLt.so.13").c_str(), RTLD_NOW | RTLD_LOCAL);
        expect(opened != nullptr, "the substitute is built");
        if (!opened) exit(1);
        calls_ = reinterpret_cast<int64_t (*)()>(dlsym(opened, "sn9_substitute_calls"));
        refuse_ = reinterpret_cast<void (*)(uint32_t)>(dlsym(opened, "sn9_substitute_refuse"));
    }
    // Names a file of its folder as the library, or what is no such file as it is.
    void use(const std::string& name) const {
        if (host_) setenv(kEnvironment, name.ends_with(".13") ? (folder_ + name).c_str() : name.c_str(), 1);
    }
    void refuse(uint32_t epilogue) const { refuse_(epilogue); }

    // Fails unless an operation asks the library for so many products.
    template <typename Operation>
    void expect_calls(int64_t wanted, const char* what, Operation run) const {
        int64_t before = host_ ? calls_() : 0;
        run();
        if (!host_) return;
        tally().checks++;
        if (calls_() - before != wanted)
            failed("%s: %ld products by the library, expected %ld", what, calls_() - before, wanted);
    }

  private:
    bool host_;
    std::string folder_;
    int64_t (*calls_)() = nullptr;
    void (*refuse_)(uint32_t) = nullptr;
};

std::string described(Device& device) {
    char text[2048];
    device.check(device.library().context_describe(device, text, sizeof text), "context_describe");
    return text;
}

void expect_described(Device& device, const std::string& wanted) {
    std::string text = described(device);
    tally().checks++;
    if (text.find(wanted) == std::string::npos)
        failed("context_describe says\n%s\nexpected is: %s", text.c_str(), wanted.c_str());
}

// One layer of a training step, and its inputs on the device.
struct Layer : LinearCase {
    Device& device;
    const Library& library;
    sn9_weight weight;
    void *in_there, *dout_there, *pre_there, *residual_there;
    float* bias_there;

    Layer(Device& to, int64_t N_, int64_t C_, int64_t OC_)
        : LinearCase(to, N_, C_, OC_),
          device(to),
          library(to.library()),
          weight(prepare(to, w, C, OC, SN9_LINEAR_WEIGHT)),
          in_there(to.upload_activations(in)),
          dout_there(to.upload_activations(dout)),
          pre_there(to.upload_activations(pre)),
          residual_there(to.upload_activations(residual)),
          bias_there(to.upload(bias)) {
        reserve(to);
    }

    // The sum, with a bias that is rounded to bf16 and a residual.
    Wanted wanted(bool with_bias, bool with_residual) const {
        Wanted sum = products(device, product, C);
        for (size_t i = 0; i < sum.value.size(); i++) {
            double b = with_bias ? bias[i % static_cast<size_t>(OC)] : 0, r = with_residual ? residual[i] : 0;
            sum.value[i] += b + r;
            sum.bound[i] += kBf16 * std::fabs(b) + 2 * kF32 * (std::fabs(sum.value[i]) + std::fabs(b) + sum.bound[i]);
        }
        return sum.stored(device);
    }
};

void forward(Layer& layer, const Substitute& substitute, int64_t by_library) {
    Device& device = layer.device;
    const Library& library = layer.library;
    int64_t n = layer.N * layer.OC;
    struct {
        const char* what;
        bool bias, residual;
    } const cases[] = {{"product", false, false},
                       {"+ bias", true, false},
                       {"+ residual", false, true},
                       {"+ bias + residual", true, true}};
    for (const auto& one : cases) {
        void* out = nothing(device, n);
        auto run = [&] {
            device.check(library.linear_forward(
                             device, out, nullptr, layer.in_there, &layer.weight, one.bias ? layer.bias_there : nullptr,
                             one.residual ? layer.residual_there : nullptr, SN9_NO_ACTIVATION, layer.N),
                         "linear_forward");
        };
        substitute.expect_calls(by_library, one.what, run);
        Floats kept = device.download_activations(out, n);
        expect_within(device, one.what, kept, layer.wanted(one.bias, one.residual));
        run();
        expect_same_bits("the same bits again", device.download_activations(out, n), kept);
    }
    void *out = nothing(device, n), *pre = nothing(device, n);
    for (bool residual : {false, true}) {  // with both it is not the library's
        substitute.expect_calls(residual ? 0 : by_library, "gelu", [&] {
            device.check(library.linear_forward(device, out, pre, layer.in_there, &layer.weight, layer.bias_there,
                                                residual ? layer.residual_there : nullptr, SN9_GELU, layer.N),
                         "linear_forward");
        });
        Floats kept = device.download_activations(pre, n);
        expect_within(device, "pre", kept, layer.wanted(true, false));
        expect_within(device, "gelu", device.download_activations(out, n), layer.wanted_gelu(device, kept, residual));
    }
    // The bias in bf16 lies in the workspace, which moves.
    device.check(library.context_reserve(device, (int64_t{1} << 20) + 4096 * layer.N + by_library), "context_reserve");
    void* recomputed = nothing(device, n);
    substitute.expect_calls(by_library, "gelu", [&] {
        device.check(library.linear_forward(device, out, pre, layer.in_there, &layer.weight, layer.bias_there, nullptr,
                                            SN9_GELU, layer.N),
                     "linear_forward");
    });
    device.check(library.gelu_forward(device, recomputed, pre, n), "gelu_forward");
    Floats kept = device.download_activations(pre, n);
    expect_within(device, "pre", kept, layer.wanted(true, false));
    expect_same_bits("gelu recomputed", device.download_activations(recomputed, n),
                     device.download_activations(out, n));
    substitute.expect_calls(0, "gelu that keeps no pre", [&] {
        device.check(library.linear_forward(device, out, nullptr, layer.in_there, &layer.weight, nullptr, nullptr,
                                            SN9_GELU, layer.N),
                     "linear_forward");
    });
}

void backward(Layer& layer, const Substitute& substitute, int64_t by_library) {
    Device& device = layer.device;
    const Library& library = layer.library;
    int64_t N = layer.N, C = layer.C, OC = layer.OC;
    Noise noise(99);
    void* din = nothing(device, N * C);
    substitute.expect_calls(by_library, "din = through gelu", [&] {
        device.check(library.linear_backward_input(device, din, layer.dout_there, &layer.weight, layer.pre_there,
                                                   SN9_GELU, 0, N),
                     "linear_backward_input");
    });
    expect_within(device, "din = through gelu", device.download_activations(din, N * C),
                  layer.wanted_through_gelu(device, layer.pre));
    Floats other = device.round(noise.floats(N * C, 3.0));  // of the next layer, whose sizes are the same
    void* other_there = device.upload_activations(other);
    substitute.expect_calls(by_library, "din = through another gelu", [&] {
        device.check(
            library.linear_backward_input(device, din, layer.dout_there, &layer.weight, other_there, SN9_GELU, 0, N),
            "linear_backward_input");
    });
    expect_within(device, "din = through another gelu", device.download_activations(din, N * C),
                  layer.wanted_through_gelu(device, other));
    Floats dirt = device.round(noise.floats(N * C));
    void* added = device.upload_activations(dirt);
    substitute.expect_calls(by_library, "din +=", [&] {
        device.check(library.linear_backward_input(device, added, layer.dout_there, &layer.weight, nullptr,
                                                   SN9_NO_ACTIVATION, 1, N),
                     "linear_backward_input");
    });
    Wanted plain = products(device, layer.din, OC);
    expect_within(device, "din +=", device.download_activations(added, N * C), plain.onto(dirt).stored(device));
    added = device.upload_activations(dirt);
    substitute.expect_calls(0, "din += through gelu", [&] {
        device.check(library.linear_backward_input(device, added, layer.dout_there, &layer.weight, layer.pre_there,
                                                   SN9_GELU, 1, N),
                     "linear_backward_input");
    });
    expect_within(device, "din += through gelu", device.download_activations(added, N * C),
                  layer.wanted_through_gelu(device, layer.pre, dirt));
    substitute.expect_calls(by_library, "din =", [&] {
        device.check(library.linear_backward_input(device, din, layer.dout_there, &layer.weight, layer.pre_there,
                                                   SN9_NO_ACTIVATION, 0, N),
                     "linear_backward_input");
    });
    expect_within(device, "din =", device.download_activations(din, N * C), plain.stored(device));

    Floats dw_dirt = noise.floats(C * OC), db_dirt = noise.floats(OC), dw_kept;
    for (int time = 0; time < 3; time++) {
        float *dw = device.upload(dw_dirt), *db = device.upload(db_dirt);
        substitute.expect_calls(by_library, "dw +=", [&] {
            device.check(library.linear_backward_weight(device, dw, time == 2 ? nullptr : db, layer.in_there,
                                                        layer.dout_there, N, C, OC),
                         "linear_backward_weight");
        });
        Floats got = device.download(dw, C * OC);
        expect_within(device, "dw +=", got, products(device, layer.dw, N).onto(dw_dirt));
        if (time > 0) expect_same_bits("dw again", got, dw_kept);
        dw_kept = got;
        if (time < 2) expect_within(device, "db +=", device.download(db, OC), layer.wanted_db().onto(db_dirt));
    }
}

void layer_on(const Library& library, const Substitute& substitute, const char* profile, int64_t N, int64_t C,
              int64_t OC) {
    library.set("profile", profile);
    Device device(library, SN9_PRECISION_BF16);
    start(device, "cublaslt %s N=%ld C=%ld OC=%ld", profile, N, C, OC);
    if (unwanted()) return;
    Layer layer(device, N, C, OC);
    expect_described(device, "gemm=own\ngemm_reason=");
    bool own_too = N <= 129;
    if (own_too) forward(layer, substitute, 0);  // no training pass
    SN9_OK_OR_RETURN(library, library.training_pass(device, 1));
    bool served = strcmp(profile, "sm_90") == 0 || strcmp(profile, "sm_100") == 0;
    if (library.host()) expect_described(device, served ? "gemm=cuBLASLt 13.0.2\n" : "gemm=own\ngemm_reason=the table");
    if (served) expect_described(device, "gemm_workspace_bytes=33554432\n");
    forward(layer, substitute, served);
    backward(layer, substitute, served);
    SN9_OK_OR_RETURN(library, library.training_pass(device, 0));
    if (own_too) backward(layer, substitute, 0);
}

// A context of sm_90 whose first training pass finds what the environment names, and what is then said and done.
void unusable(const Library& library, const Substitute& substitute, const std::string& name, const char* reason) {
    substitute.use(name);
    Device device(library, SN9_PRECISION_BF16);
    start(device, "cublaslt named %s", name.c_str());
    if (unwanted()) return;
    Layer layer(device, 3, 64, 64);
    SN9_OK_OR_RETURN(library, library.training_pass(device, 1));
    expect_described(device, "gemm=own\ngemm_reason=");
    expect_described(device, reason);
    forward(layer, substitute, 0);
    backward(layer, substitute, 0);
    substitute.use("libcublasLt.so.13");
}

// An epilogue that the library does not have: our kernel, and describe counts it.
void without_algorithm(const Library& library, const Substitute& substitute) {
    Device device(library, SN9_PRECISION_BF16);
    start(device, "cublaslt without dgelu");
    if (unwanted()) return;
    Layer layer(device, 5, 64, 128);
    SN9_OK_OR_RETURN(library, library.training_pass(device, 1));
    substitute.refuse(kDGelu);
    void* din = nothing(device, layer.N * layer.C);
    substitute.expect_calls(0, "din = through gelu", [&] {
        for (int time = 0; time < 2; time++)
            device.check(library.linear_backward_input(device, din, layer.dout_there, &layer.weight, layer.pre_there,
                                                       SN9_GELU, 0, layer.N),
                         "linear_backward_input");
    });
    substitute.refuse(0);
    expect_within(device, "din = through gelu", device.download_activations(din, layer.N * layer.C),
                  layer.wanted_through_gelu(device, layer.pre));
    expect_described(device, "gemm=cuBLASLt 13.0.2, own for 1 of 1 products\n");
}

// Captured once it has run, with other numbers in the same places at every launch; refused before.
void captured(const Library& library, const Substitute& substitute) {
    Device device(library, SN9_PRECISION_BF16);
    start(device, "cublaslt captured");
    if (unwanted()) return;
    Layer layer(device, 33, 64, 192);
    int64_t n = layer.N * layer.OC, m = layer.N * layer.C;
    void *out = nothing(device, n), *pre = nothing(device, n), *din = nothing(device, m);
    float* dw = device.upload(Floats(layer.C * layer.OC, 0.0f));
    sn9_graph* graph = nullptr;
    auto pass = [&] {
        int32_t status = library.training_pass(device, 1);
        if (!status)
            status = library.linear_forward(device, out, pre, layer.in_there, &layer.weight, layer.bias_there, nullptr,
                                            SN9_GELU, layer.N);
        if (!status)
            status = library.linear_backward_input(device, din, layer.dout_there, &layer.weight, layer.pre_there,
                                                   SN9_GELU, 0, layer.N);
        if (!status)
            status = library.linear_backward_weight(device, dw, nullptr, layer.in_there, layer.dout_there, layer.N,
                                                    layer.C, layer.OC);
        return status;
    };
    auto expect_refused = [&](const char* what) {
        device.check(library.capture_begin(device), "capture_begin");
        expect(pass() == SN9_BAD_ARGUMENT, what);
        std::string reason = library.last_error();
        expect(reason.find("capture") != std::string::npos && reason.find("before") != std::string::npos,
               "the refusal says what to do");
        device.check(library.capture_end(device, &graph), "capture_end");
        device.check(library.graph_free(device, graph), "graph_free");
    };
    expect_refused("the first training pass inside a capture");
    device.check(library.training_pass(device, 1), "training_pass");
    expect_refused("a product that was never asked for inside a capture");
    device.check(pass(), "the pass itself");
    device.check(library.capture_begin(device), "capture_begin");
    substitute.expect_calls(3, "captured", [&] { device.check(pass(), "the captured pass"); });
    device.check(library.capture_end(device, &graph), "capture_end");
    for (float scale : {1.0f, -0.5f, 0.25f}) {
        auto scaled = [&](const Floats& x) {
            Floats y = x;
            for (float& v : y) v *= scale;
            return device.round(y);
        };
        std::vector<Floats> results[2];
        for (bool replayed : {false, true}) {
            auto fill = [&](void* to, const Floats& values) {
                std::vector<uint16_t> bits;
                for (float v : values) bits.push_back(to_bf16(v));
                device.upload_to(static_cast<uint16_t*>(to), bits);
            };
            fill(layer.in_there, scaled(layer.in));
            fill(layer.dout_there, scaled(layer.dout));
            device.upload_to(layer.bias_there, scaled(layer.bias));
            device.upload_to(dw, Floats(layer.C * layer.OC, 0.0f));
            for (void* memory : {out, pre}) fill(memory, nans(n));
            fill(din, nans(m));
            device.check(replayed ? library.graph_launch(device, graph) : pass(), "a pass");
            results[replayed] = {device.download_activations(out, n), device.download_activations(pre, n),
                                 device.download_activations(din, m), device.download(dw, layer.C * layer.OC)};
        }
        for (size_t i = 0; i < results[0].size(); i++)
            expect_same_bits("launched as asked for", results[1][i], results[0][i]);
        expect(results[0][1][0] == results[0][1][0], "pre was written");
    }
    device.check(library.graph_free(device, graph), "graph_free");
}

// Whether this device and machine have the real library; else says why not.
bool real_library_serves(const Library& library) {
    Device device(library, SN9_PRECISION_BF16);
    device.check(library.training_pass(device, 1), "training_pass");
    std::string text = described(device);
    text = text.substr(text.find("gemm="));
    printf("cublaslt on this device:\n%s", text.c_str());
    return text.starts_with("gemm=cuBLASLt");
}

}  // namespace

void test_cublaslt(const Library& library) {
    const char* before = getenv(kEnvironment);
    const std::string named = before ? before : "";
    const char* profile = getenv("SN9_HOST_PROFILE");
    Substitute substitute(library);
    for (const char* played : {"sm_90", "sm_100", "sm_86"}) {
        layer_on(library, substitute, played, 1, 64, 192);
        layer_on(library, substitute, played, 129, 48, 144);
        if (small() || !library.host()) break;
        // Sums over k that the substitute splits: rows of dw, channels of out.
        if (strcmp(played, "sm_86") == 0) continue;
        layer_on(library, substitute, played, 1029, 64, 64);
        layer_on(library, substitute, played, 7, 1056, 64);
    }
    library.set("profile", "sm_90");
    if (library.host() || real_library_serves(library)) captured(library, substitute);
    if (library.host()) {
        without_algorithm(library, substitute);
        unusable(library, substitute, "no such library", "no such library");
        unusable(library, substitute, "off", "gemm_reason=SN9_CUBLASLT is off\n");
        unusable(library, substitute, "libcublasLt_incomplete.so.13",
                 "gemm_reason=the library has no cublasLtMatmul\n");
        Device device(library);
        SN9_OK_OR_RETURN(library, library.training_pass(device, 1));
        expect_described(device, "gemm=own\ngemm_reason=cuBLASLt multiplies bf16 only\n");
        if (before)
            setenv(kEnvironment, named.c_str(), 1);
        else
            unsetenv(kEnvironment);
    }
    library.set("profile", profile ? profile : "");
}
