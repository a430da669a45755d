// cuda_ops_test LIBRARY [NAME...] [--case WORD...]: the operations of a CUDA library (sn9cudahost here, sn9cuda where
// there is a GPU) against plain double-precision loops. NAME: only these tests. Each lies in its own file,
// cuda_<op>_test.cpp. --case: of tests that run long, only cases whose names contain all the words. The last line has a
// digest of all results: two runs with the same bits print the same.
//   cuda_ops_test --list: the names
#include <cinttypes>
#include <cstdio>
#include <cstring>

#include "tolerance.h"

void test_attention(const sn9::test::Library& library);
void test_attention_causal(const sn9::test::Library& library);
void test_attention_production(const sn9::test::Library& library);
void test_device(const sn9::test::Library& library);
void test_embed(const sn9::test::Library& library);
void test_layernorm(const sn9::test::Library& library);
void test_dropout(const sn9::test::Library& library);
void test_optimizer(const sn9::test::Library& library);
void test_cast(const sn9::test::Library& library);
void test_linear(const sn9::test::Library& library);
void test_head_loss(const sn9::test::Library& library);
void test_production(const sn9::test::Library& library);
void test_finite(const sn9::test::Library& library);
void test_corners(const sn9::test::Library& library);
void test_replay(const sn9::test::Library& library);
void test_range(const sn9::test::Library& library);
void test_cublaslt(const sn9::test::Library& library);

namespace {

struct Test {
    const char* name;
    void (*run)(const sn9::test::Library&);
};
const Test kTests[] = {
    {"device", test_device},
    {"embed", test_embed},
    {"layernorm", test_layernorm},
    {"dropout", test_dropout},
    {"optimizer", test_optimizer},
    {"cast", test_cast},
    {"linear", test_linear},
    {"head_loss", test_head_loss},
    {"attention", test_attention},
    {"attention_causal", test_attention_causal},
    {"attention_production", test_attention_production},
    {"production", test_production},
    {"finite", test_finite},
    {"corners", test_corners},
    {"replay", test_replay},
    {"range", test_range},
    {"cublaslt", test_cublaslt},
};

}  // namespace

int main(int count, char** arguments) {
    if (count == 2 && !strcmp(arguments[1], "--list")) {
        for (const Test& test : kTests) printf("%s\n", test.name);
        return 0;
    }
    if (count < 2) {
        printf("usage: cuda_ops_test LIBRARY [NAME...] [--case WORD...], or cuda_ops_test --list\n");
        return 2;
    }
    for (int i = 2; i < count; i++) {
        if (strcmp(arguments[i], "--case")) continue;
        sn9::test::tally().only.assign(arguments + i + 1, arguments + count);
        count = i;
    }
    setvbuf(stdout, nullptr, _IOLBF, 0);  // what was printed survives a crash
    sn9::test::Library library(arguments[1]);
    int run = 0;
    for (const Test& test : kTests) {
        bool wanted = count == 2;
        for (int i = 2; i < count; i++) wanted = wanted || !strcmp(arguments[i], test.name);
        if (!wanted) continue;
        run++;
        sn9::test::tally().test = sn9::test::tally().current = test.name;
        test.run(library);
    }
    sn9::test::print_shares();
    printf("cuda_ops_test: %d tests, %d checks, %d failures, digest %016" PRIx64 "\n", run, sn9::test::tally().checks,
           sn9::test::tally().failures, sn9::test::tally().digest);
    // A run without a check has not found what was asked for.
    return sn9::test::tally().checks == 0 || sn9::test::tally().failures ? 1 : 0;
}
