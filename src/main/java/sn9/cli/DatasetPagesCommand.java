package sn9.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import sn9.data.DatasetPages.Choice;
import sn9.data.Page;
import sn9.data.PageSource;
import sn9.data.PythonRandom;

/** {@code dataset pages}: draws pages, and fetches and shows them. */
@Command(name = "pages", description = "Draw pages as a miner or validator would, fetch them and show what they hold.")
final class DatasetPagesCommand implements Callable<Integer> {
    private static final Logger LOG = LoggerFactory.getLogger(DatasetPagesCommand.class);

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--pages",
            paramLabel = "N",
            defaultValue = "3",
            description = "How many. Default: ${DEFAULT-VALUE}")
    private int pages;

    @Option(
            names = "--split",
            paramLabel = "NAME",
            defaultValue = "train",
            description = "train, held_out or eval. Default: ${DEFAULT-VALUE}")
    private PageSource.Split split;

    @Option(
            names = "--seed",
            paramLabel = "SEED",
            defaultValue = "0",
            description =
                    "Decides which pages; with --page_choice reference or fineweb as Python's random.seed. Default:"
                            + " ${DEFAULT-VALUE}")
    private long seed;

    @Option(
            names = "--block_hash",
            paramLabel = "0x...",
            description =
                    "Seed by a block's hash instead, as validators of the network agree on pages; needs --page_choice"
                            + " reference or fineweb.")
    private String blockHash;

    @Option(names = "--text", fallbackValue = "true", description = "Print the text as well, a line before each row.")
    private boolean text;

    @Option(names = "--no_fetch", fallbackValue = "true", description = "Print the numbers alone.")
    private boolean noFetch;

    @Mixin
    private CorpusOptions corpus;

    @Mixin
    private LoggingOptions logging;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws IOException, InterruptedException {
        RandomGenerator random = random();
        var output = Output.of(spec, json);
        var rows = new ArrayList<Map<String, Object>>();
        int failed = 0;
        try (PageSource source = corpus.open(spec)) {
            output.text(source.describe());
            var table = new Table("Pages", "page", "rows", "bytes", "tokens");
            for (long number : Usage.checked(spec, () -> source.draw(split, pages, random))) {
                var row = new LinkedHashMap<String, Object>();
                row.put("page", number);
                if (!noFetch) {
                    try {
                        Page page = source.page(number);
                        row.putAll(PageMeasure.of(page).json());
                        show(page, output);
                    } catch (IOException e) {
                        failed++;
                        row.put("failure", e.getMessage());
                        LOG.warn("page={} cannot be read: {}", number, e.getMessage());
                    }
                }
                rows.add(row);
                table.row(number, row.get("rows"), row.get("bytes"), row.get("tokens"));
            }
            output.table(table);
        }
        output.json(Map.of("split", split.name().toLowerCase(Locale.ROOT), "pages", rows));
        return failed == 0 ? ExitCode.DONE : ExitCode.FAILED;
    }

    private RandomGenerator random() {
        boolean python = corpus.dataset().isNamed() && corpus.dataset().choice() != Choice.DISTINCT;
        if (blockHash == null) {
            return python ? new PythonRandom(seed) : new SplittableRandom(seed);
        }
        if (!python || !blockHash.matches("0x[0-9a-f]{64}")) {
            throw Usage.error(
                    spec,
                    "--block_hash needs --dataset, --page_choice reference or fineweb and 0x with 64 small hex digits, got "
                            + blockHash);
        }
        return PythonRandom.ofBlockHash(blockHash);
    }

    private void show(Page page, Output output) {
        if (text) {
            for (int i = 0; i < page.texts().size(); i++) {
                output.text("--- page " + page.number() + " row " + i);
                output.text(page.texts().get(i));
            }
        }
    }
}
