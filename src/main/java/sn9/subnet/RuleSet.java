package sn9.subnet;

import java.util.List;
import java.util.Optional;

/**
 * Every rule and constant of one release of the network, as data (spec section 0). A reference defect exists only where
 * being faithful needs it: {@link #faithful()}.
 *
 * @param name release: A0, A1, A2, B0, B1 or B2
 * @param scoring from losses to weights
 * @param sampling what is evaluated, and when
 * @param limits what a model may be
 * @param fetchList which files make up a model
 * @param hashForm how a commitment's hash follows from them
 * @param versionKey sent with the weights; 0 where the release sends none
 * @param referenceFailures whether non-finite losses are scored as the reference does. [defect] There a NaN wins or
 *     loses by the accident of its comparisons, and a model that failed still shares in the weights. Differs: off by
 *     default; a model with any non-finite loss has failed, wins nothing and gets weight 0
 */
public record RuleSet(
        String name,
        Scoring scoring,
        Sampling sampling,
        Limits limits,
        FetchList fetchList,
        HashForm hashForm,
        long versionKey,
        boolean referenceFailures) {

    /**
     * From losses to weights.
     *
     * @param winRule who wins a batch
     * @param epsilon advantage of the earlier model (of the best so far at A0), a share of its loss
     * @param bestEpsilon A0: by how much, as a share, a mean loss must be lower to become the best so far; else 0
     * @param weightRule from wins to weights
     * @param temperature of the softmax; 0 where there is none
     * @param alpha weight of the old value in the moving average; 0 where there is none
     */
    public record Scoring(
            WinRule winRule,
            double epsilon,
            double bestEpsilon,
            WeightRule weightRule,
            double temperature,
            double alpha) {}

    /**
     * What is evaluated, and when.
     *
     * @param batchSize B of evaluation
     * @param sequenceLength T of evaluation
     * @param pagesPerEval pages drawn for one step
     * @param loaderPerPage whether each page is packed alone, its leftover tokens dropped (A0, A1), or all together
     * @param sampleMin models kept for the next step by win rate; {@link Integer#MAX_VALUE} where all are
     * @param blocksPerEpoch blocks between two settings of weights
     */
    public record Sampling(
            int batchSize,
            int sequenceLength,
            int pagesPerEval,
            boolean loaderPerPage,
            int sampleMin,
            int blocksPerEpoch) {}

    /**
     * What a model may be.
     *
     * @param exactShape the only shape taken (generation A), empty where any is
     * @param maxParameters most parameters, by block of the commitment
     * @param maxRepoBytes most bytes of the whole repository, by block of the commitment
     * @param architectures class names taken; empty where any is
     */
    public record Limits(
            Optional<ModelShape> exactShape,
            BlockSchedule maxParameters,
            BlockSchedule maxRepoBytes,
            List<String> architectures) {}

    /** Tokens of the GPT-2 vocabulary; a model must know them all. */
    public static final int VOCAB_SIZE = 50257;

    /** The block from which B2 takes 772 million parameters. */
    public static final long LARGE_MODELS_BLOCK = 2_405_920;

    private static final long GIB = 1L << 30;

    private static final String GPT2 = "GPT2LMHeadModel";
    private static final ModelShape SMALL = new ModelShape(12, 12, 480, 1024, VOCAB_SIZE); // 57,868,320 parameters
    private static final ModelShape DEFAULT = new ModelShape(12, 10, 760, 1024, VOCAB_SIZE); // 122,268,040

    private static final FetchList PICKLE = new FetchList("model.pth", List.of(), List.of(), false);
    private static final FetchList SAFE = new FetchList("model.safe", List.of(), List.of(), false);
    private static final FetchList HUGGING_FACE =
            new FetchList("model.safetensors", List.of("config.json"), List.of("generation_config.json"), true);

    /** The code of 2023-11-09 (1.0.2). */
    public static final RuleSet A0 = new RuleSet(
            "A0",
            new Scoring(WinRule.GLOBAL_BEST, 0.05, 0.03, WeightRule.PLUS_ONE, 0, 0),
            new Sampling(3, 512, 2, true, Integer.MAX_VALUE, 360),
            exactly(SMALL),
            PICKLE,
            HashForm.PLAIN,
            0,
            false);

    /** The rewritten validator of 2023-11-12 (still 1.0.2). */
    public static final RuleSet A1 = new RuleSet(
            "A1",
            new Scoring(WinRule.BEATS_ALL, 0.03, 0, WeightRule.PLUS_SHARE, 0, 0),
            new Sampling(3, 512, 3, true, Integer.MAX_VALUE, 360),
            exactly(SMALL),
            PICKLE,
            HashForm.PLAIN,
            0,
            false);

    /** Release 2.0.0 of 2023-12-12. */
    public static final RuleSet A2 = new RuleSet(
            "A2",
            new Scoring(WinRule.PAIRWISE, 0.01, 0, WeightRule.SOFTMAX, 0.25, 0.9),
            new Sampling(1, 1024, 3, false, 30, 50),
            exactly(DEFAULT),
            SAFE,
            HashForm.PLAIN,
            2002,
            false);

    /** Release 2.1.0 of 2024-01-04: Hugging Face and chain commitments. */
    public static final RuleSet B0 = new RuleSet(
            "B0",
            new Scoring(WinRule.PAIRWISE, 0.005, 0, WeightRule.SOFTMAX, 0.04, 0.9),
            new Sampling(1, 1024, 3, false, 30, 50),
            new Limits(
                    Optional.empty(),
                    BlockSchedule.always(DEFAULT.parameterCount()),
                    BlockSchedule.always(GIB),
                    List.of()),
            HUGGING_FACE,
            HashForm.PLAIN,
            2002,
            false);

    /** Release 2.1.4 of 2024-01-16. */
    public static final RuleSet B1 = new RuleSet(
            "B1",
            B0.scoring,
            B0.sampling,
            new Limits(Optional.empty(), BlockSchedule.always(186_000_000), BlockSchedule.always(GIB), List.of()),
            HUGGING_FACE,
            HashForm.PLAIN,
            2002,
            false);

    /** Release 2.2.1 of 2024-02-21: limits by block, allowed architectures. */
    public static final RuleSet B2 = new RuleSet(
            "B2",
            new Scoring(WinRule.PAIRWISE, 0.005, 0, WeightRule.SOFTMAX, 0.04, 0.5),
            B0.sampling,
            new Limits(
                    Optional.empty(),
                    BlockSchedule.always(186_000_000).from(LARGE_MODELS_BLOCK, 772_000_000),
                    BlockSchedule.always(5 * GIB),
                    List.of(
                            GPT2,
                            "MistralForCausalLM",
                            "LlamaForCausalLM",
                            "BartForCausalLM",
                            "FalconForCausalLM",
                            "GPTNeoXForCausalLM",
                            "GPTJForCausalLM")),
            HUGGING_FACE,
            HashForm.PLAIN,
            2021,
            false);

    private static final List<RuleSet> ALL = List.of(A0, A1, A2, B0, B1, B2);

    /** All rule sets, oldest first. */
    public static List<RuleSet> all() {
        return ALL;
    }

    /** The rule set of a name; throws {@link IllegalArgumentException} that lists the known ones. */
    public static RuleSet named(String name) {
        return ALL.stream()
                .filter(r -> r.name.equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no rule set \"" + name + "\", expected one of "
                        + String.join(", ", ALL.stream().map(RuleSet::name).toList())));
    }

    /** These rules with the reference's treatment of non-finite losses. */
    public RuleSet faithful() {
        return new RuleSet(name, scoring, sampling, limits, fetchList, hashForm, versionKey, true);
    }

    /** These rules with hashes bound to hotkeys, which the network took beside plain ones from 2024-04-25. */
    public RuleSet bindingHotkeys() {
        return new RuleSet(
                name, scoring, sampling, limits, fetchList, HashForm.HOTKEY_BOUND, versionKey, referenceFailures);
    }

    /** What a model committed at a block must keep. */
    public ModelCriteria criteria(long block) {
        return new ModelCriteria(this, block);
    }

    /** Most parameters of a model committed at a block. */
    public long maxParameters(long block) {
        return limits.maxParameters.at(block);
    }

    /** Most bytes of the repository of a model committed at a block. */
    public long maxRepoBytes(long block) {
        return limits.maxRepoBytes.at(block);
    }

    /** Who wins a batch. */
    public WinRule winRule() {
        return scoring.winRule;
    }

    /** Advantage of the earlier model, as a share of its loss. */
    public double epsilon() {
        return scoring.epsilon;
    }

    /** Temperature of the softmax; 0 where there is none. */
    public double temperature() {
        return scoring.temperature;
    }

    /** Weight of the old value in the moving average; 0 where there is none. */
    public double alpha() {
        return scoring.alpha;
    }

    /** B of evaluation. */
    public int batchSize() {
        return sampling.batchSize;
    }

    /** T of evaluation. */
    public int sequenceLength() {
        return sampling.sequenceLength;
    }

    /** Pages drawn for one step. */
    public int pagesPerEval() {
        return sampling.pagesPerEval;
    }

    /** Models kept for the next step. */
    public int sampleMin() {
        return sampling.sampleMin;
    }

    /** Blocks between two settings of weights. */
    public int blocksPerEpoch() {
        return sampling.blocksPerEpoch;
    }

    /** Differs: generation A bounds no download; a model of its one shape in fp32 fits 1 GiB. */
    private static Limits exactly(ModelShape shape) {
        return new Limits(
                Optional.of(shape),
                BlockSchedule.always(shape.parameterCount()),
                BlockSchedule.always(GIB),
                List.of(GPT2));
    }
}
