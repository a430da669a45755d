package sn9.cli;

import java.util.Optional;
import picocli.CommandLine.Option;
import sn9.miner.MinerConfig;
import sn9.tensor.ElementType;
import sn9.train.TrainConfig;
import sn9.train.TrainConfig.Schedule;

/** How training goes: its text, its steps, its optimiser. Flags left out take the values of {@code --compat}. */
public final class TrainOptions {
    /** Whose values the optimiser's flags have when they are left out. */
    public enum Compat {
        /** Ours. */
        NONE,
        /** Those of the reference miner. */
        REFERENCE
    }

    @Option(
            names = "--compat",
            paramLabel = "NAME",
            defaultValue = "none",
            description =
                    "Whose hyper-parameters hold where a flag is left out: none for ours, reference for those of the"
                            + " reference miner (lr 1e-5 constant, decay 0.01 on all parameters, no clipping, dropout 0.1,"
                            + " 5 accumulation steps). Default: ${DEFAULT-VALUE}")
    private Compat compat;

    @Option(
            names = "--num_epochs",
            paramLabel = "N",
            defaultValue = "-1",
            description = "Epochs to train, -1 for no end. Default: ${DEFAULT-VALUE}")
    private long numEpochs;

    @Option(
            names = "--max_steps",
            paramLabel = "N",
            defaultValue = "-1",
            description = "Optimiser steps to train, -1 for no end. Default: ${DEFAULT-VALUE}")
    private long maxSteps;

    @Option(
            names = "--pages_per_epoch",
            paramLabel = "N",
            defaultValue = "10",
            description = "Pages drawn for an epoch. Default: ${DEFAULT-VALUE}")
    private int pagesPerEpoch;

    @Option(
            names = "--bs",
            paramLabel = "B",
            defaultValue = "1",
            description = "Sequences of a micro-batch. Default: ${DEFAULT-VALUE}")
    private int B;

    @Option(
            names = "--sl",
            paramLabel = "T",
            defaultValue = "1024",
            description = "Tokens of a sequence. Default: ${DEFAULT-VALUE}")
    private int T;

    @Option(
            names = "--accumulation_steps",
            paramLabel = "N",
            description = "Micro-batches of an optimiser step. Default: 5")
    private Integer accumulationSteps;

    @Option(names = "--lr", paramLabel = "RATE", description = "Highest learning rate. Default: 6e-4; reference 1e-5")
    private Double lr;

    @Option(
            names = "--schedule",
            paramLabel = "NAME",
            description =
                    "How the learning rate moves: constant, or cosine, which rises over --warmup_steps and falls to a"
                            + " tenth at --max_steps (10,000 without). Default: cosine; reference constant")
    private Schedule schedule;

    @Option(
            names = "--warmup_steps",
            paramLabel = "N",
            description = "Optimiser steps over which a cosine schedule rises. Default: 100, at most a tenth of"
                    + " --max_steps")
    private Long warmupSteps;

    @Option(
            names = "--weight_decay",
            paramLabel = "RATE",
            description = "AdamW's decay. Default: 0.1 on matrices; reference 0.01 on all parameters")
    private Double weightDecay;

    @Option(
            names = "--grad_clip",
            paramLabel = "NORM",
            description = "Largest norm of a step's gradient, 0 for no limit. Default: 1; reference 0")
    private Double gradClip;

    @Option(
            names = "--dropout",
            paramLabel = "P",
            description = "Share of activations dropped in training. Default: 0; reference 0.1")
    private Double dropout;

    @Option(
            names = "--seed",
            paramLabel = "SEED",
            description =
                    "Decides the fresh model, the pages of each epoch and dropout. Default: drawn and logged; that of"
                            + " the run with --resume")
    private Long seed;

    @Option(
            names = "--held_out_pages",
            paramLabel = "N",
            defaultValue = "2",
            description = "Pages, never trained on, by which models are compared. Default: ${DEFAULT-VALUE}")
    private int heldOutPages;

    @Option(
            names = "--eval_steps",
            paramLabel = "N",
            defaultValue = "0",
            description = "Optimiser steps between two measurements on held-out pages, 0 for one after each epoch."
                    + " Default: ${DEFAULT-VALUE}")
    private long evalSteps;

    @Option(
            names = "--checkpoint_steps",
            paramLabel = "N",
            defaultValue = "100",
            description = "Optimiser steps between two checkpoints. Default: ${DEFAULT-VALUE}")
    private long checkpointSteps;

    @Option(
            names = "--save_dtype",
            paramLabel = "TYPE",
            defaultValue = "f32",
            description = "Element type of saved models: f32 or bf16. Default: ${DEFAULT-VALUE}")
    private ElementType saveType;

    /** The seed, when one was given. */
    Optional<Long> seed() {
        return Optional.ofNullable(seed);
    }

    /** Sequences of a micro-batch. */
    int batchSize() {
        return B;
    }

    /** Tokens of a sequence. */
    int sequenceLength() {
        return T;
    }

    /** How to go over the text. */
    MinerConfig miner(long seed) {
        return new MinerConfig(
                B, T, seed, pagesPerEpoch, numEpochs, maxSteps, heldOutPages, evalSteps, checkpointSteps, saveType);
    }

    /** How to take steps. */
    TrainConfig train(long seed) {
        TrainConfig base = compat == Compat.REFERENCE ? TrainConfig.reference() : TrainConfig.defaults();
        boolean ends = maxSteps > 0;
        long warmup = ends ? Math.min(base.warmupSteps(), maxSteps / 10) : base.warmupSteps();
        return new TrainConfig(
                or(lr, base.lr()),
                or(schedule, base.schedule()),
                or(warmupSteps, warmup),
                ends ? maxSteps : base.totalSteps(),
                base.beta1(),
                base.beta2(),
                base.epsilon(),
                or(weightDecay, base.weightDecay()),
                base.decayAll(),
                or(gradClip, base.gradClip()),
                or(accumulationSteps, base.accumulationSteps()),
                or(dropout, base.dropout()),
                seed);
    }

    private static <V> V or(V given, V otherwise) {
        return given == null ? otherwise : given;
    }
}
