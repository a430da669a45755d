package sn9.cli;

import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import sn9.Secret;
import sn9.data.CachedRows;
import sn9.data.Dataset;
import sn9.data.DatasetApi;
import sn9.data.DatasetPages;
import sn9.data.DatasetRows;
import sn9.data.PageSource;
import sn9.data.ParquetRows;
import sn9.data.RowsApi;
import sn9.http.Http;
import sn9.http.Retry;

/** Which dataset of the Hub text comes from, and how. */
public final class DatasetOptions {
    private static final String HUB = "https://huggingface.co";

    /** Longest time without a byte: a page that stalls is given up and replaced (spec/subnet.md D 14). */
    private static final Duration SILENCE = Duration.ofSeconds(15);

    /** Three more tries within some ten seconds; many pages fail for days, and others can stand in. */
    private static final Retry RETRY = new Retry(
            3,
            Duration.ofSeconds(1),
            Duration.ofSeconds(5),
            Duration.ofMinutes(6), // the Hub counts requests in windows of five minutes
            Thread::sleep,
            InstantSource.system());

    @Option(
            names = "--dataset",
            paramLabel = "NAMESPACE/NAME",
            description = "A dataset of the Hub in place of --corpus; the network's is tiiuae/falcon-refinedweb.")
    private String dataset;

    @Option(
            names = "--dataset_config",
            paramLabel = "NAME",
            split = ",",
            description = "Configurations of the dataset. Default: all, without \"default\" where there are others")
    private List<String> configs = List.of();

    @Option(
            names = "--dataset_split",
            paramLabel = "NAME",
            defaultValue = "train",
            description = "Split of the dataset. Default: ${DEFAULT-VALUE}")
    private String split;

    @Option(
            names = "--dataset_api",
            paramLabel = "NAME",
            defaultValue = "rows",
            description =
                    "rows: the dataset server's API, as the reference; parquet: ranges of the dataset's files, of 32"
                            + " drawn by --data_seed where there are more. Default: ${DEFAULT-VALUE}")
    private Api api;

    @Option(
            names = "--page_choice",
            paramLabel = "NAME",
            defaultValue = "distinct",
            description = "distinct: aligned pages, all different, training and evaluation kept apart; reference: rows"
                    + " drawn as the reference does, overlaps included. Default: ${DEFAULT-VALUE}")
    private DatasetPages.Choice choice;

    @Option(
            names = "--dataset_endpoint",
            paramLabel = "URL",
            description = "Address of the Hub and its dataset server. Default: HF_ENDPOINT, or " + HUB)
    private String endpoint;

    @Mixin
    private PageCacheOptions cache;

    /** How rows are read. */
    enum Api {
        /** The rows API. */
        ROWS,
        /** Ranges of parquet files. */
        PARQUET
    }

    /** Whether a dataset was named. */
    boolean isNamed() {
        return dataset != null;
    }

    /** How pages are chosen. */
    DatasetPages.Choice choice() {
        return choice;
    }

    /**
     * Opens the dataset.
     *
     * @param seed decides which of too many files are read
     * @throws picocli.CommandLine.ParameterException when a flag names nothing possible
     */
    PageSource open(CommandSpec spec, long seed) throws IOException, InterruptedException {
        var wanted = Usage.checked(spec, () -> new Dataset(dataset, configs, split));
        var environment = Main.environment(spec);
        String hub =
                endpoint != null ? endpoint : environment.get("HF_ENDPOINT").orElse(HUB);
        if (!hub.matches("https?://\\S+")) {
            throw Usage.error(spec, "\"" + hub + "\" is no address of a Hub, expected https://...");
        }
        var kept = cache.open(spec);
        var server = new DatasetApi(new Http(SILENCE, RETRY), hub, token(environment), wanted);
        try {
            DatasetRows rows = api == Api.PARQUET ? ParquetRows.open(server, seed) : RowsApi.open(server);
            return new DatasetPages(new CachedRows(rows, kept), choice);
        } catch (IOException | InterruptedException | RuntimeException e) {
            server.close();
            throw e;
        }
    }

    /** The Hub's token, which gated datasets and generous request limits need (spec/hub.md 2). */
    private static Optional<Secret> token(Environment environment) {
        return Stream.of("HF_ACCESS_TOKEN", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
                .flatMap(name -> environment.get(name).stream())
                .findFirst()
                .map(Secret::new);
    }
}
