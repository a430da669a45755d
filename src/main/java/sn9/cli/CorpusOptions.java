package sn9.cli;

import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Where text comes from. */
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

    /** The corpus's folder or file. */
    public Path corpus() {
        return corpus;
    }

    /** Seed of the pages and their split. */
    public long seed() {
        return seed;
    }
}
