package sn9.cli;

import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.OptionalLong;
import picocli.CommandLine.Option;
import sn9.subnet.RuleSet;
import sn9.validator.EvalStep;
import sn9.validator.Validator;
import sn9.validator.Validator.SeedBy;

/** What an operator chooses about a validator; the names are the reference's where it has the flag (spec B.6). */
public final class ValidatorOptions {
    private static final long GIB = 1L << 30;
    private static final Duration WAIT_FOR_MODELS = Duration.ofSeconds(12);

    @Option(
            names = "--blocks_per_epoch",
            paramLabel = "BLOCKS",
            description = "Blocks between two settings of weights. Default: by --rules")
    private Integer blocksPerEpoch;

    @Option(
            names = "--pages_per_eval",
            paramLabel = "N",
            description = "Pages every model is evaluated on in a step. Default: by --rules")
    private Integer pagesPerEval;

    @Option(
            names = "--sample_min",
            paramLabel = "N",
            description = "Models that go on to the next step, by win rate. Default: by --rules")
    private Integer sampleMin;

    @Option(
            names = "--dont_set_weights",
            fallbackValue = "true",
            description = "Evaluate and score, but leave the chain alone.")
    private boolean dontSetWeights;

    @Option(
            names = "--offline",
            fallbackValue = "true",
            description = "Set no weights and need no registration; commitments are still read.")
    private boolean offline;

    @Option(
            names = "--model_dir",
            paramLabel = "DIR",
            defaultValue = "model-store",
            description =
                    "Folder of the fetched models, of validator.db and of validator.jsonl, in which every step is a"
                            + " line. Default: ${DEFAULT-VALUE}")
    private Path modelDir;

    @Option(
            names = "--disk_quota_gb",
            paramLabel = "GIB",
            defaultValue = "500",
            description = "GiB that fetched models may take. Default: ${DEFAULT-VALUE}")
    private int diskQuotaGib;

    @Option(
            names = "--steps",
            paramLabel = "N",
            description = "Run N steps, set weights and end; models are then fetched between steps, so that a rehearsal"
                    + " is the same every time. Default: run until stopped")
    private Long steps;

    @Option(
            names = "--seed",
            paramLabel = "SEED",
            description = "Decides the pages of each step. Default: another one at every start")
    private Long seed;

    @Option(
            names = "--seed_by_block",
            fallbackValue = "true",
            description =
                    "Draw pages by the hash of the last block that is a multiple of 150, as the network's validators"
                            + " do since release C (with --page_choice fineweb or reference the same pages); with --seed by the"
                            + " seed and that block's number, so that validators of one seed see the same pages.")
    private boolean seedByBlock;

    @Option(
            names = "--eval_limit",
            paramLabel = "SECONDS",
            defaultValue = "60",
            description = "Time one model may take in a step; a slower one fails it. Default: ${DEFAULT-VALUE}")
    private double evalLimitSeconds;

    @Option(
            names = "--wandb.off",
            fallbackValue = "true",
            description = "Accepted for the reference's scripts. This version reports to no W&B, with or without it.")
    private boolean wandbOff;

    /** Folder of the models and the database. */
    public Path modelDir() {
        return modelDir;
    }

    /** Bytes that fetched models may take. */
    public long quotaBytes() {
        return diskQuotaGib * GIB;
    }

    /** Models carried from step to step. */
    public int sampleMin(RuleSet rules) {
        return sampleMin == null ? rules.sampleMin() : sampleMin;
    }

    /** Whether this neuron needs a slot on the subnet. */
    public boolean registers() {
        return !offline;
    }

    /** Whether the reference's W&B switch was given. */
    public boolean wandbOff() {
        return wandbOff;
    }

    /** Settings of one step; throws {@link IllegalArgumentException} that names the flag. */
    public EvalStep.Settings evalStep(RuleSet rules) {
        int pages = pagesPerEval == null ? rules.pagesPerEval() : pagesPerEval;
        atLeastOne("--pages_per_eval", OptionalLong.of(pages));
        atLeastOne("--sample_min", OptionalLong.of(sampleMin(rules)));
        atLeastOne("--disk_quota_gb", OptionalLong.of(diskQuotaGib));
        if (!(evalLimitSeconds > 0 && evalLimitSeconds <= 86_400)) {
            throw new IllegalArgumentException(
                    "--eval_limit is " + evalLimitSeconds + ", expected seconds above 0, at most a day");
        }
        return new EvalStep.Settings(pages, sampleMin(rules), Duration.ofMillis(Math.round(evalLimitSeconds * 1000)));
    }

    /** Settings of the run; throws {@link IllegalArgumentException} that names the flag. */
    public Validator.Settings validator(RuleSet rules) {
        var count = steps == null ? OptionalLong.empty() : OptionalLong.of(steps);
        atLeastOne("--steps", count);
        int blocks = blocksPerEpoch == null ? rules.blocksPerEpoch() : blocksPerEpoch;
        atLeastOne("--blocks_per_epoch", OptionalLong.of(blocks));
        var seedBy = !seedByBlock ? SeedBy.STEP : seed == null ? SeedBy.BLOCK_HASH : SeedBy.BLOCK;
        long drawn = seed == null ? new SecureRandom().nextLong(1L << 31) : seed;
        return new Validator.Settings(count, blocks, !dontSetWeights && !offline, drawn, seedBy, WAIT_FOR_MODELS);
    }

    private static void atLeastOne(String flag, OptionalLong value) {
        if (value.isPresent() && value.getAsLong() < 1) {
            throw new IllegalArgumentException(flag + " is " + value.getAsLong() + ", expected 1 or more");
        }
    }
}
