// replay: captured operations take the scalars of every replay, not those of their capture: learning rate, bias
// corrections and the clip scale of a training step, the micro-step of dropout.
#include "rows.h"

using namespace sn9::test;

namespace {

// A step block in pinned memory, which copies into the device's read when they run.
class PinnedStep {
  public:
    explicit PinnedStep(Device& device) : device_(device) {
        void* memory = nullptr;
        device.check(device.library().pinned_alloc(device, sizeof(sn9_step), &memory), "pinned_alloc");
        step_ = static_cast<sn9_step*>(memory);
        *step_ = {};
        there_ = device.allocate<sn9_step>(1);
    }
    ~PinnedStep() { device_.check(device_.library().pinned_free(device_, step_), "pinned_free"); }
    PinnedStep(const PinnedStep&) = delete;
    PinnedStep& operator=(const PinnedStep&) = delete;

    sn9_step* operator->() const { return step_; }
    // The device's copy, brought up to date in the order of the stream.
    sn9_step* upload() const {
        device_.check(device_.library().upload(device_, there_, step_, sizeof(sn9_step)), "upload");
        return there_;
    }

  private:
    Device& device_;
    sn9_step *step_, *there_;
};

// Runs the operations once for each number that set takes, or captures them and replays that; what is the result.
template <typename Set, typename Operations, typename Result>
std::vector<Floats> three_times(Device& device, bool captured, Set set, Operations operations, Result result) {
    const Library& library = device.library();
    sn9_graph* graph = nullptr;
    if (captured) {
        device.check(library.capture_begin(device), "capture_begin");
        operations();
        device.check(library.capture_end(device, &graph), "capture_end");
    }
    std::vector<Floats> results;
    for (int number : {1, 2, 3}) {
        set(number);
        if (captured)
            device.check(library.graph_launch(device, graph), "graph_launch");
        else
            operations();
        device.check(library.synchronize(device), "synchronize");
        results.push_back(result());
    }
    if (captured) device.check(library.graph_free(device, graph), "graph_free");
    return results;
}

void expect_same_results(const char* what, const std::vector<Floats>& got, const std::vector<Floats>& wanted) {
    for (size_t i = 0; i < wanted.size(); i++) expect_same_bits(what, got[i], wanted[i]);
    expect(wanted[0] != wanted[1] && wanted[1] != wanted[2], "the scalars make a difference");
}

void optimizer(Device& device) {
    start(device, "replay optimizer");
    const Library& library = device.library();
    const int64_t n = 1025;
    Noise noise;
    Floats p = noise.floats(n), zeros(n);
    float* grads = device.upload(noise.floats(n));
    PinnedStep step(device);
    step->beta1 = 0.9f, step->beta2 = 0.95f, step->epsilon = 1e-8f, step->weight_decay = 0.1f;
    auto train = [&](bool captured) {
        float *params = device.upload(p), *m = device.upload(zeros), *v = device.upload(zeros);
        return three_times(
            device, captured,
            [&](int number) {
                float count = static_cast<float>(number);
                step->learning_rate = 0.01f * count, step->grad_clip = 2 * count;
                step->bias_correction1 = 0.1f * count, step->bias_correction2 = 0.05f * count;
            },
            [&] {
                sn9_step* there = step.upload();
                device.check(library.grad_norm(device, there, grads, n), "grad_norm");
                device.check(library.adamw(device, params, m, v, nullptr, grads, there, n, n), "adamw");
            },
            [&] { return device.download(params, n); });
    };
    auto wanted = train(false);
    expect_same_results("a replay of a training step", train(true), wanted);
}

void dropout(Device& device) {
    start(device, "replay dropout");
    const Library& library = device.library();
    const int64_t N = 5, C = 64;
    void *in = device.upload_activations(Floats(N * C, 1.0f)), *out = device.allocate_activations(N * C);
    PinnedStep step(device);
    auto drop = [&](bool captured) {
        return three_times(
            device, captured, [&](int number) { step->micro_step = static_cast<uint32_t>(number); },
            [&] {
                device.check(
                    library.dropout(device, out, in, nullptr, step.upload(), 0.5f, 0, SN9_DROPOUT_MLP, N, C, C),
                    "dropout");
            },
            [&] { return device.download_activations(out, N * C); });
    };
    auto wanted = drop(false);
    expect_same_results("a replay of dropout", drop(true), wanted);
}

}  // namespace

void test_replay(const Library& library) {
    for (int32_t precision : {SN9_PRECISION_FP32, SN9_PRECISION_BF16}) {
        Device device(library, precision);
        device.check(library.context_reserve(device, 8192), "context_reserve");
        optimizer(device);
        dropout(device);
    }
}
