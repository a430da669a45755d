package sn9.cli;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import sn9.data.Page;
import sn9.data.PageSource;
import sn9.data.PageSource.Split;
import sn9.data.Pages;

/** {@code dataset stats}: how large a source is and how fast it gives. */
@Command(
        name = "stats",
        description = "Count the pages of a corpus or dataset, and estimate tokens and speed from some of them.")
final class DatasetStatsCommand implements Callable<Integer> {
    private static final double NANOS = 1e9;

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--pages",
            paramLabel = "N",
            defaultValue = "5",
            description = "Training pages to fetch for the estimates. Default: ${DEFAULT-VALUE}")
    private int pages;

    @Mixin
    private CorpusOptions corpus;

    @Mixin
    private LoggingOptions logging;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws IOException, InterruptedException {
        var output = Output.of(spec, json);
        var answer = new LinkedHashMap<String, Object>();
        try (PageSource source = corpus.open(spec)) {
            answer.put("source", source.describe());
            var table = new Table("Pages of " + source.describe(), "split", "pages", "tokens, estimated");
            long start = System.nanoTime();
            PageMeasure measure = sample(source);
            double seconds = (System.nanoTime() - start) / NANOS;
            double perPage = measure.tokens() / (double) Math.max(1, measured(source));
            for (Split split : Split.values()) {
                String name = split.name().toLowerCase(Locale.ROOT);
                table.row(name, source.pages(split), "%.0f".formatted(source.pages(split) * perPage));
                answer.put(name + "_pages", source.pages(split));
            }
            output.table(table);
            output.text("%d pages: %d rows, %d bytes, %d tokens, %.2f bytes each; fetched and tokenised at %.1f MB/s"
                    .formatted(
                            measured(source),
                            measure.rows(),
                            measure.bytes(),
                            measure.tokens(),
                            measure.bytes() / (double) Math.max(1, measure.tokens()),
                            measure.bytes() / 1e6 / seconds));
            answer.put("sample", measure.json());
            answer.put("sample_pages", measured(source));
            answer.put("tokens_per_page", perPage);
            answer.put("megabytes_per_second", measure.bytes() / 1e6 / seconds);
        }
        output.json(answer);
        return ExitCode.DONE;
    }

    private int measured(PageSource source) {
        return (int) Math.min(pages, source.pages(Split.TRAIN));
    }

    private PageMeasure sample(PageSource source) throws IOException, InterruptedException {
        int spare = (int) Math.min(source.pages(Split.TRAIN), 2L * measured(source));
        long[] drawn = source.draw(Split.TRAIN, spare, new SplittableRandom(0));
        var measure = PageMeasure.NONE;
        for (Page page : Pages.readable(source, drawn, measured(source))) {
            measure = measure.plus(PageMeasure.of(page));
        }
        return measure;
    }
}
