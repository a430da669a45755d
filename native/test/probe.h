// probe: what the files of probe_test share: a session with the library, and the lines that it prints.
#pragma once

#include <cinttypes>
#include <cstdarg>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "library.h"
#include "sn9_probe.h"

namespace sn9::test {

// The library, which probes are wanted, and how they went. Every probe prints one line: "probe NAME ok DETAIL",
// "probe NAME FAILED DETAIL" or "probe NAME skipped: REASON".
class Probes {
  public:
    Probes(const Library& library, std::vector<std::string> wanted, std::string dump);

    const Library& library() const { return library_; }
    bool wanted(const std::string& name) const;

    // The library's answer for the cases of in, out_count elements; nothing where it has none, which is printed. call:
    // the probe as the library names it; name: as the line does.
    template <typename Out, typename In>
    std::optional<std::vector<Out>> run(const char* name, const char* call, const std::vector<In>& in,
                                        size_t out_count) {
        std::vector<Out> out(out_count);
        if (!answer(name, call, in.data(), in.size() * sizeof(In), out.data(), out_count * sizeof(Out)))
            return std::nullopt;
        return out;
    }

    [[gnu::format(printf, 4, 5)]] void line(const std::string& name, bool ok, const char* format, ...);

    int ran() const { return ran_; }
    int failures() const { return failures_; }

  private:
    bool answer(const char* name, const char* call, const void* in, size_t in_bytes, void* out, size_t out_bytes);

    const Library& library_;
    std::vector<std::string> wanted_;
    std::string dump_;
    decltype(&::sn9_probe) call_;
    int ran_ = 0, failures_ = 0;
};

// Counts results that differ from what they should be, and remembers the first.
class Differences {
  public:
    void expect(bool same, uint64_t got, uint64_t wanted, size_t place) {
        checks_++;
        if (same) return;
        if (!wrong_++) got_ = got, expected_ = wanted, place_ = place;
    }
    void expect_bits(uint64_t got, uint64_t wanted, size_t place) { expect(got == wanted, got, wanted, place); }
    void expect_float(float got, float wanted, size_t place);

    bool none() const { return wrong_ == 0 && checks_ > 0; }
    std::string text() const;

  private:
    int64_t checks_ = 0, wrong_ = 0;
    uint64_t got_ = 0, expected_ = 0;
    size_t place_ = 0;
};

uint32_t bits_of(float v);
float float_of(uint32_t bits);

// Zeros, denormals, the smallest and largest numbers, infinities and NaN of f32, with both signs; values at whose half
// way bf16 and f16 round.
std::vector<float> corners();

void probe_elements(Probes& probes);
void probe_functions(Probes& probes);
void probe_warps(Probes& probes);
void probe_copies(Probes& probes);
void probe_mma(Probes& probes);
void probe_rounding(Probes& probes);
void probe_sm90(Probes& probes);

}  // namespace sn9::test
