package sn9.subnet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RuleSetTest {
    /** The table of spec section 0. */
    @ParameterizedTest
    @CsvSource({
        "A0, 57868320,  512,  3, 2, 0.05,  0,    0,   360, 2147483647, 0",
        "A1, 57868320,  512,  3, 3, 0.03,  0,    0,   360, 2147483647, 0",
        "A2, 122268040, 1024, 1, 3, 0.01,  0.25, 0.9, 50,  30,         2002",
        "B0, 122268040, 1024, 1, 3, 0.005, 0.04, 0.9, 50,  30,         2002",
        "B1, 186000000, 1024, 1, 3, 0.005, 0.04, 0.9, 50,  30,         2002",
        "B2, 186000000, 1024, 1, 3, 0.005, 0.04, 0.5, 50,  30,         2021"
    })
    void holdsThePublishedConstants(
            String name,
            long parameters,
            int sequenceLength,
            int batchSize,
            int pages,
            double epsilon,
            double temperature,
            double alpha,
            int blocks,
            int sampleMin,
            long versionKey) {
        RuleSet rules = RuleSet.named(name);
        assertThat(rules.maxParameters(0)).isEqualTo(parameters);
        assertThat(rules.sequenceLength()).isEqualTo(sequenceLength);
        assertThat(rules.batchSize()).isEqualTo(batchSize);
        assertThat(rules.pagesPerEval()).isEqualTo(pages);
        assertThat(rules.epsilon()).isEqualTo(epsilon);
        assertThat(rules.temperature()).isEqualTo(temperature);
        assertThat(rules.alpha()).isEqualTo(alpha);
        assertThat(rules.blocksPerEpoch()).isEqualTo(blocks);
        assertThat(rules.sampleMin()).isEqualTo(sampleMin);
        assertThat(rules.versionKey()).isEqualTo(versionKey);
        assertThat(rules.referenceFailures()).isFalse();
        assertThat(rules.faithful().referenceFailures()).isTrue();
        assertThat(rules.faithful().scoring()).isEqualTo(rules.scoring());
    }

    @Test
    void limitsOfB2ChangeAtTheirBlock() {
        assertThat(RuleSet.B2.maxParameters(2_405_919)).isEqualTo(186_000_000);
        assertThat(RuleSet.B2.maxParameters(2_405_920)).isEqualTo(772_000_000);
        assertThat(RuleSet.B1.maxParameters(2_405_920)).isEqualTo(186_000_000);
        assertThat(RuleSet.B1.maxRepoBytes(0)).isEqualTo(1L << 30);
        assertThat(RuleSet.B2.maxRepoBytes(0)).isEqualTo(5L << 30);
    }

    @Test
    void countsParametersLikeTheReference() {
        assertThat(new ModelShape(12, 12, 480, 1024, 50257).parameterCount()).isEqualTo(57_868_320);
        assertThat(new ModelShape(12, 10, 760, 1024, 50257).parameterCount()).isEqualTo(122_268_040);
        assertThat(new ModelShape(12, 12, 768, 1024, 50257).parameterCount()).isEqualTo(124_439_808);
        assertThat(new ModelShape(24, 16, 1024, 1024, 50257).parameterCount()).isEqualTo(354_823_168);
        assertThat(new ModelShape(36, 20, 1280, 1024, 50257).parameterCount()).isEqualTo(774_030_080);
    }

    @Test
    void namesTheKnownSetsWhenAskedForAnother() {
        assertThat(RuleSet.all()).extracting(RuleSet::name).containsExactly("A0", "A1", "A2", "B0", "B1", "B2");
        assertThatThrownBy(() -> RuleSet.named("B3"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("A0, A1, A2, B0, B1, B2");
    }

    @Test
    void schedulesMustStartAtZeroAndAscend() {
        assertThat(BlockSchedule.always(7).from(10, 8).at(-1)).isEqualTo(7);
        assertThat(BlockSchedule.always(7).from(10, 8).at(10)).isEqualTo(8);
        assertThatThrownBy(() -> BlockSchedule.always(7).from(0, 8)).hasMessageContaining("ascend");
        assertThatThrownBy(() -> new BlockSchedule(List.of())).hasMessageContaining("start at block 0");
    }

    @Test
    void fetchesExactlyTheFilesOfAModel() {
        FetchList fetch = RuleSet.B2.fetchList();
        assertThat(fetch.select(List.of("README.md", "config.json", "model.safetensors", "generation_config.json")))
                .containsExactlyInAnyOrder("config.json", "generation_config.json", "model.safetensors");
        List<String> shards = List.of(
                "config.json",
                "model.safetensors.index.json",
                "model-00001-of-00002.safetensors",
                "model-00002-of-00002.safetensors");
        assertThat(fetch.select(shards)).containsExactlyInAnyOrderElementsOf(shards);
        assertThat(fetch.missing(shards)).isEmpty();
        assertThat(fetch.missing(List.of("README.md"))).containsExactly("config.json", "model.safetensors");
        assertThat(RuleSet.A1.fetchList().select(List.of("model.pth", "config.json")))
                .containsExactly("model.pth");
        assertThat(RuleSet.A2.fetchList().missing(List.of("model.pth"))).containsExactly("model.safe");
    }
}
