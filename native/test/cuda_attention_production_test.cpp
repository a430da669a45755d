// cuda_attention_production_test: attention at the shapes of training, and past 2^31 elements, in memory that is
// reserved and never filled. Of each launch the first, the last and a few drawn blocks run; the last, on the last
// sequence, is compared with the same block of that sequence alone, or with loops.
#include "attention_loops.h"

namespace {

using namespace sn9::test::attention;
using sn9::test::Device;
using sn9::test::expect;
using sn9::test::expect_same_bits;
using sn9::test::failed;
using sn9::test::Library;
using sn9::test::Noise;
using sn9::test::tally;

constexpr int64_t kTile = 32;                      // rows that the last block of any kernel has at least
constexpr int64_t kUnbacked = INT64_C(256) << 20;  // bytes from which on the host build leaves memory as it comes: 0

// The tensors of c.B sequences on the device, of which only the last is filled.
class Batch {
  public:
    Batch(Device& device, const Case& c) : device_(device), c_(c) {
        step_ = device.upload(std::vector<sn9_step>{c.step()});
        for (auto [memory, width] : {std::pair{&qkv_, 3}, {&dout_, 1}, {&out_, 1}, {&dqkv_, 3}})
            *memory = device.allocate_activations(c.B * c.T * c.width() * width);
        lse_ = device.allocate(c.B * c.NH * c.T);
        // Row sums that no sampled block computes are 0.
        int64_t bytes = std::max(kUnbacked, c.B * c.NH * c.T * 4);
        device.check(device.library().context_reserve(device, bytes), "context_reserve");
    }

    // The last sequence of results after both passes; given: what the gradient takes as out and lse.
    bool run(Results& last, const Inputs& inputs, const Results& given) {
        const Library& library = device_.library();
        put(qkv_, inputs.qkv, 3);
        put(dout_, inputs.dout, 1);
        put(out_, Floats(given.out.size(), NAN), 1);
        put(dqkv_, Floats(inputs.qkv.size(), NAN), 3);
        if (!succeeded(device_, library.attention_forward(device_, out_, lse_, qkv_, step_, c_.probability, kLayer,
                                                          c_.scale(), c_.B, c_.T, c_.NH, c_.HS)))
            return false;
        last.out = get(out_, 1);
        int64_t rows = c_.NH * c_.T;
        last.lse = device_.download(lse_ + (c_.B - 1) * rows, rows);
        put(out_, given.out, 1);
        device_.upload_to(lse_ + (c_.B - 1) * rows, given.lse);
        if (!succeeded(device_,
                       library.attention_backward(device_, dqkv_, dout_, out_, qkv_, lse_, step_, c_.probability,
                                                  kLayer, c_.scale(), c_.B, c_.T, c_.NH, c_.HS)))
            return false;
        last.dqkv = get(dqkv_, 3);
        return true;
    }

  private:
    void* last_of(void* tensor, int64_t parts) {
        return static_cast<char*>(tensor) + (c_.B - 1) * c_.T * c_.width() * parts * (device_.bf16() ? 2 : 4);
    }
    void put(void* tensor, const Floats& values, int64_t parts) {
        if (!device_.bf16()) return device_.upload_to(static_cast<float*>(last_of(tensor, parts)), values);
        std::vector<uint16_t> rounded;
        for (float v : values) rounded.push_back(sn9::test::to_bf16(v));
        device_.upload_to(static_cast<uint16_t*>(last_of(tensor, parts)), rounded);
    }
    Floats get(void* tensor, int64_t parts) {
        return device_.download_activations(last_of(tensor, parts), c_.T * c_.width() * parts);
    }

    Device& device_;
    const Case& c_;
    sn9_step* step_;
    void *qkv_, *dout_, *out_, *dqkv_;
    float* lse_;
};

// What the gradient takes for the last sequence: lse near to what it is, and an out that is 0 but for rows from `first`
// on, since of the row sums only the last 32 rows of all heads are computed.
Results given_to_gradient(const Device& device, const Case& one, Noise& noise, int64_t first) {
    Results given;
    given.out = device.round(noise.floats(one.T * one.width(), 0.1));
    std::fill_n(given.out.begin(), first * one.width(), 0.0f);
    given.lse.assign(static_cast<size_t>(one.NH * one.T), std::log(static_cast<float>(one.T)));
    return given;
}

// Rows `from` to `to` of the last head, of one of q, k, v or of the only part of out.
Floats head_rows(const Floats& tensor, const Case& c, int64_t parts, int64_t of, int64_t from, int64_t to) {
    Floats rows;
    for (int64_t t = from; t < to; t++) {
        auto at = tensor.begin() + ((t * parts + of + 1) * c.NH - 1) * c.HS;
        rows.insert(rows.end(), at, at + c.HS);
    }
    return rows;
}

// The last block: of the forward pass and of dq it has the first queries, of dk and dv the last keys.
void training_shape(const Library& library, int32_t precision, const Case& c) {
    Device device(library, precision);
    start(device, "attention of sampled blocks", c);
    Noise noise;
    Case one = c;
    one.B = 1;
    Inputs inputs = noise_of(device, one, noise);
    Results given = given_to_gradient(device, one, noise, c.T - 1), alone, last;
    if (!Batch(device, one).run(alone, inputs, given) || !Batch(device, c).run(last, inputs, given)) return;
    auto first_rows = [&](const Floats& x, int64_t parts) { return head_rows(x, c, parts, 0, 0, kTile); };
    auto last_rows = [&](const Floats& x, int64_t of) { return head_rows(x, c, 3, of, c.T - kTile, c.T); };
    expect_same_bits("out of the last block", first_rows(last.out, 1), first_rows(alone.out, 1));
    expect_same_bits("lse of the last block", Floats(last.lse.end() - c.T, last.lse.end() - c.T + kTile),
                     Floats(alone.lse.end() - c.T, alone.lse.end() - c.T + kTile));
    expect_same_bits("dq of the last block", first_rows(last.dqkv, 3), first_rows(alone.dqkv, 3));
    for (int64_t of : {1, 2})
        expect_same_bits("dk or dv of the last block", last_rows(last.dqkv, of), last_rows(alone.dqkv, of));
    bool finite = true;
    for (const Floats& rows : {first_rows(last.out, 1), first_rows(last.dqkv, 3), last_rows(last.dqkv, 1)})
        for (float v : rows) finite &= std::isfinite(v);
    expect(finite, "the last block has written all of its rows");
}

// So many short sequences that every tensor, and the numbers of the mask, pass 2^31 elements before the last one.
void past_32_bits(const Library& library, int32_t precision) {
    Case c{(INT64_C(1) << 21) + 3, 64, 1, 16, 16, 0.1f}, one = c;
    Device device(library, precision);
    start(device, "attention of sampled blocks", c);
    Noise noise;
    one.B = 1;
    one.before = c.B - 1;
    Inputs inputs = noise_of(device, one, noise);
    Results given = given_to_gradient(device, one, noise, c.T - kTile), last;
    Doubles out(given.out.begin(), given.out.end());
    Reference wanted = reference(one, Exact(inputs), out, operands_of(device));
    given.lse.assign(wanted.lse.value.begin(), wanted.lse.value.end());
    if (!Batch(device, c).run(last, inputs, given)) return;
    auto within = [](const char* what, const Floats& got, const Wanted& expected) {
        bool all = true;
        for (size_t i = 0; i < got.size(); i++) all &= std::fabs(got[i] - expected.value[i]) <= expected.bound[i];
        expect(all, what);
    };
    within("out of the last sequence", last.out, wanted.out);
    within("lse of the last sequence", last.lse, wanted.lse);
    within("dqkv of the last sequence", last.dqkv, wanted.dqkv);
}

}  // namespace

void test_attention_production(const Library& library) {
    if (!library.host()) return;
    library.set("blocks", "4");
    library.set("memory", "131072");
    for (int32_t precision : {SN9_PRECISION_FP32_SIMT, SN9_PRECISION_BF16}) {
        training_shape(library, precision, {64, 1024, 12, 64, 64});
        training_shape(library, precision, {64, 1024, 10, 80, 76});
        past_32_bits(library, precision);
    }
    library.set("blocks", "");
    library.set("memory", "");
}
