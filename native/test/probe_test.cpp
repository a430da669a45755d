// probe_test LIBRARY [NAME...] [--dump DIR]: one instruction of a CUDA library (sn9cuda, or sn9cudahost in its place)
// at a time, on random values and corners, against plain loops here. NAME: only the probes whose names begin so.
// --dump: keeps each probe's bytes as DIR/NAME.in and DIR/NAME.out. A line each, see probe.h; exits 1 if one failed, 2
// if nothing ran. Findings (rounding of sums, ulps of functions) are in the lines; they fail only past what numerics.md
// allows.
#include <cstdio>
#include <cstring>

#include "probe.h"

namespace sn9::test {

Probes::Probes(const Library& library, std::vector<std::string> wanted, std::string dump)
    : library_(library),
      wanted_(std::move(wanted)),
      dump_(std::move(dump)),
      call_(reinterpret_cast<decltype(&::sn9_probe)>(dlsym(library.handle, "sn9_probe"))) {
    if (call_) return;
    printf("the library has no sn9_probe: give libsn9cuda.so or libsn9cudahost.so\n");
    exit(2);
}

bool Probes::wanted(const std::string& name) const {
    if (wanted_.empty()) return true;
    for (const std::string& word : wanted_)
        if (name.starts_with(word)) return true;
    return false;
}

bool Probes::answer(const char* name, const char* call, const void* in, size_t in_bytes, void* out, size_t out_bytes) {
    sn9_context* context = nullptr;
    int32_t status = library_.context_open(0, 0, SN9_PRECISION_BF16, &context);
    if (status == SN9_OK) {
        status = call_(context, call, in, static_cast<int64_t>(in_bytes), out, static_cast<int64_t>(out_bytes));
        std::string why = status == SN9_OK ? "" : library_.last_error();
        library_.context_close(context);
        if (status == SN9_UNSUPPORTED) {
            ran_++;
            printf("probe %s skipped: %s\n", name, why.c_str());
            return false;
        }
        if (status != SN9_OK) line(name, false, "%s", why.c_str());
    } else {
        line(name, false, "%s", library_.last_error());
    }
    if (status != SN9_OK) return false;
    if (!dump_.empty()) {
        const std::pair<const void*, size_t> sides[] = {{in, in_bytes}, {out, out_bytes}};
        for (int i = 0; i < 2; i++) {
            std::string path = dump_ + "/" + name + (i ? ".out" : ".in");
            FILE* file = fopen(path.c_str(), "wb");
            if (!file || fwrite(sides[i].first, 1, sides[i].second, file) != sides[i].second) {
                printf("%s cannot be written\n", path.c_str());
                exit(2);
            }
            fclose(file);
        }
    }
    return true;
}

void Probes::line(const std::string& name, bool ok, const char* format, ...) {
    ran_++;
    if (!ok) failures_++;
    printf("probe %s %s ", name.c_str(), ok ? "ok" : "FAILED");
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

void Differences::expect_float(float got, float wanted, size_t place) {
    bool same = std::isnan(wanted) ? std::isnan(got) : bits_of(got) == bits_of(wanted);
    expect(same, bits_of(got), bits_of(wanted), place);
}

std::string Differences::text() const {
    char text[160];
    if (wrong_ == 0)
        snprintf(text, sizeof text, "%" PRId64 " values", checks_);
    else
        snprintf(text, sizeof text,
                 "%" PRId64 " of %" PRId64 " values differ, at %zu first: got %08" PRIx64 ", expected %08" PRIx64,
                 wrong_, checks_, place_, got_, expected_);
    return text;
}

uint32_t bits_of(float v) {
    uint32_t bits;
    memcpy(&bits, &v, 4);
    return bits;
}
float float_of(uint32_t bits) {
    float v;
    memcpy(&v, &bits, 4);
    return v;
}

std::vector<float> corners() {
    std::vector<float> made;
    for (uint32_t bits :
         {0x00000000u, 0x00000001u, 0x00000002u, 0x00400000u, 0x007FFFFFu, 0x00800000u, 0x00800001u, 0x00008000u,
          0x00018000u, 0x33000000u, 0x33000001u, 0x33800000u, 0x387FC000u, 0x387FE000u, 0x38800000u, 0x3F7FFFFFu,
          0x3F800000u, 0x3F800001u, 0x3F808000u, 0x3F818000u, 0x3F801000u, 0x3F803000u, 0x3F808001u, 0x3F807FFFu,
          0x40490FDBu, 0x42B17218u, 0x42CFF1B4u, 0x477FE000u, 0x477FEFFFu, 0x477FF000u, 0x47800000u, 0x7F7F7FFFu,
          0x7F7F8000u, 0x7F7FFFFFu, 0x7F800000u, 0x7F800001u, 0x7FC00000u, 0x7FFFFFFFu})
        for (uint32_t sign : {0u, 0x80000000u}) made.push_back(float_of(bits | sign));
    return made;
}

}  // namespace sn9::test

int main(int count, char** arguments) {
    std::vector<std::string> wanted;
    std::string dump;
    for (int i = 2; i < count; i++) {
        if (strcmp(arguments[i], "--dump"))
            wanted.push_back(arguments[i]);
        else if (i + 1 < count)
            dump = arguments[++i];
        else
            count = 0;
    }
    if (count < 2) {
        printf("usage: probe_test LIBRARY [NAME...] [--dump DIR]\n");
        return 2;
    }
    setvbuf(stdout, nullptr, _IOLBF, 0);  // what was printed survives a crash
    sn9::test::Library library(arguments[1]);
    sn9::test::Probes probes(library, wanted, dump);
    probe_elements(probes);
    probe_functions(probes);
    probe_warps(probes);
    probe_copies(probes);
    probe_mma(probes);
    probe_rounding(probes);
    probe_sm90(probes);
    printf("probe_test: %d probes, %d failures\n", probes.ran(), probes.failures());
    if (probes.ran() == 0) {
        printf("no probe has a name that begins so\n");
        return 2;
    }
    return probes.failures() ? 1 : 0;
}
