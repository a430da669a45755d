package sn9.subnet;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import sn9.subnet.RemoteModelStore.RemoteFile;

class ModelCriteriaTest {
    private static final String HASH = "1Pi1HyQbqe9FShGMZ2Y6js5rOGZC09eNOuWawKUT0J0=";
    private static final ModelShape DEFAULT = new ModelShape(12, 10, 760, 1024, 50257);
    private static final ModelShape SMALL = new ModelShape(12, 12, 480, 1024, 50257);
    private static final ModelShape STOCK = new ModelShape(12, 12, 768, 1024, 50257);
    private static final ModelShape LARGE = new ModelShape(36, 20, 1280, 1024, 50257);

    @Test
    void theDefaultModelFitsB0ExactlyAndStockGpt2DoesNot() {
        assertThat(judge(RuleSet.B0, 0, facts(DEFAULT))).isEqualTo(new Verdict.Accepted());
        assertThat(rejection(RuleSet.B0, 0, facts(STOCK))).contains("124439808").contains("122268040");
        assertThat(judge(RuleSet.B1, 0, facts(STOCK))).isEqualTo(new Verdict.Accepted());
    }

    @Test
    void limitsFollowTheBlockOfTheCommitment() {
        ModelFacts medium = facts(new ModelShape(24, 16, 1024, 1024, 50257));
        assertThat(rejection(RuleSet.B2, 2_405_919, medium)).contains("186000000 at block 2405919");
        assertThat(judge(RuleSet.B2, 2_405_920, medium)).isEqualTo(new Verdict.Accepted());
        assertThat(rejection(RuleSet.B2, 2_405_920, facts(LARGE))).contains("774030080");
    }

    @Test
    void generationATakesOneShape() {
        assertThat(judge(RuleSet.A1, 0, facts(SMALL))).isEqualTo(new Verdict.Accepted());
        assertThat(rejection(RuleSet.A2, 0, facts(SMALL))).contains("takes only 12 layers, 10 heads, width 760");
        assertThat(rejection(RuleSet.A0, 0, facts(new ModelShape(12, 10, 480, 1024, 50257))))
                .contains("takes only 12 layers, 12 heads");
    }

    @Test
    void refusesWhatEvaluationCannotTake() {
        assertThat(rejection(RuleSet.B2, 0, facts(new ModelShape(2, 2, 64, 1023, 50257))))
                .contains("1023 positions");
        assertThat(judge(RuleSet.A1, 0, facts(SMALL))).isEqualTo(new Verdict.Accepted());
        assertThat(rejection(RuleSet.B2, 0, facts(new ModelShape(2, 2, 64, 1024, 50256))))
                .contains("50256 tokens");
        assertThat(rejection(
                        RuleSet.B2,
                        0,
                        new ModelFacts(
                                "GPT2LMHeadModel",
                                DEFAULT,
                                5,
                                6,
                                Optional.of("transformer.wte.weight[3]"),
                                HASH,
                                Optional.empty())))
                .isEqualTo("parameter transformer.wte.weight[3] is not a finite number");
    }

    @Test
    void comparesTheHashWithTheCommitment() {
        String other = HASH.replace('1', '2');
        ModelFacts facts = new ModelFacts("GPT2LMHeadModel", DEFAULT, 5, 6, Optional.empty(), HASH, Optional.of(other));
        assertThat(rejection(RuleSet.B2, 0, facts)).contains(HASH).contains(other);
    }

    @Test
    void architecturesAreLimitedFromB2On() {
        ModelFacts facts = new ModelFacts("MambaForCausalLM", DEFAULT, 5, 6, Optional.empty(), HASH, Optional.empty());
        assertThat(rejection(RuleSet.B2, 0, facts)).contains("MambaForCausalLM").contains("GPT2LMHeadModel");
        assertThat(judge(RuleSet.B0, 0, facts)).isEqualTo(new Verdict.Accepted());
        assertThat(rejection(RuleSet.A2, 0, facts)).contains("MambaForCausalLM");
    }

    @Test
    void namesEveryRuleBroken() {
        ModelFacts facts = new ModelFacts(
                "X",
                new ModelShape(1, 1, 8, 16, 11),
                200_000_000,
                6L << 30,
                Optional.of("a[0]"),
                HASH,
                Optional.of("b"));
        assertThat(RuleSet.B2.criteria(0).violations(facts)).hasSize(7);
    }

    @Test
    void judgesARepositoryBeforeDownload() {
        ModelCriteria criteria = RuleSet.B0.criteria(0);
        RemoteFile config = new RemoteFile("config.json", 100);
        assertThat(criteria.judgeRepository(List.of(config, new RemoteFile("model.safetensors", (1L << 30) - 100))))
                .isEqualTo(new Verdict.Accepted());
        assertThat(reason(criteria.judgeRepository(List.of(
                        config,
                        new RemoteFile("README.md", 1),
                        new RemoteFile("model.safetensors", (1L << 30) - 100)))))
                .contains("1073741825 bytes");
        assertThat(reason(criteria.judgeRepository(List.of(config)))).contains("lacks model.safetensors");
        assertThat(reason(criteria.judgeRepository(List.of(
                        config,
                        new RemoteFile("model.safetensors", Long.MAX_VALUE),
                        new RemoteFile("x", Long.MAX_VALUE)))))
                .contains("allows 1073741824");
        assertThat(reason(criteria.judgeRepository(List.of(config, new RemoteFile("model.safetensors", -1)))))
                .contains("allows 1073741824");
    }

    private static ModelFacts facts(ModelShape shape) {
        long parameters = shape.parameterCount();
        return new ModelFacts(
                "GPT2LMHeadModel", shape, parameters, 4 * parameters, Optional.empty(), HASH, Optional.of(HASH));
    }

    private static Verdict judge(RuleSet rules, long block, ModelFacts facts) {
        return rules.criteria(block).judge(facts);
    }

    private static String rejection(RuleSet rules, long block, ModelFacts facts) {
        return reason(judge(rules, block, facts));
    }

    private static String reason(Verdict verdict) {
        assertThat(verdict).isInstanceOf(Verdict.Rejected.class);
        return ((Verdict.Rejected) verdict).reason();
    }
}
