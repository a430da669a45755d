package sn9.cli;

import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import sn9.data.LocalCorpus;
import sn9.data.PageSource;

/** Where text comes from: files of this machine, or a dataset of the Hub. */
public final class CorpusOptions {
    @Option(
            names = "--corpus",
            paramLabel = "PATH",
            defaultValue = "corpus",
            description = "A folder of .txt, .jsonl or .parquet files, or one such file; scripts/fetch-corpus.sh brings"
                    + " a small one. Default: ${DEFAULT-VALUE}")
    private Path corpus;

    @Option(
            names = "--data_seed",
            paramLabel = "SEED",
            defaultValue = "0",
            description = "Seed of the corpus's pages and of their split into training, held-out and evaluation pages."
                    + " Miners and validators of one corpus use the same. Default: ${DEFAULT-VALUE}")
    private long seed;

    @Mixin
    private DatasetOptions dataset;

    /** The dataset of the Hub, whether it is used or not. */
    DatasetOptions dataset() {
        return dataset;
    }

    /**
     * Opens the dataset when one is named, else the corpus.
     *
     * @throws picocli.CommandLine.ParameterException when a flag names nothing possible
     */
    PageSource open(CommandSpec spec) throws IOException, InterruptedException {
        return dataset.isNamed() ? dataset.open(spec, seed) : LocalCorpus.open(corpus, seed);
    }
}
