package sn9.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import sn9.data.CachedRows;
import sn9.data.Dataset;
import sn9.data.DatasetApi;
import sn9.data.DatasetPages;
import sn9.data.DatasetRows;
import sn9.data.PageCache;
import sn9.data.PageSource;
import sn9.data.ParquetRows;
import sn9.data.RowsApi;
import sn9.http.Http;
import sn9.http.Retry;
import sn9.hub.HubSettings;

/** Which dataset of the Hub text comes from, and how. */
public final class DatasetOptions {
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
                    + " drawn as the reference does, overlaps included; fineweb: pages of 50 rows as the network draws"
                    + " them from FineWeb since release C. Default: ${DEFAULT-VALUE}")
    private DatasetPages.Choice choice;

    @Option(
            names = "--dataset_endpoint",
            paramLabel = "URL",
            description =
                    "Address of the Hub that has the dataset, when models are at another (--hf_endpoint). Default:"
                            + " HF_ENDPOINT, or https://huggingface.co")
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
        if (choice == DatasetPages.Choice.FINEWEB && api == Api.PARQUET) {
            throw Usage.error(spec, "--page_choice fineweb draws configurations first, which needs --dataset_api rows");
        }
        HubSettings hub = hub(spec);
        if (hub.offline()) {
            throw Usage.error(spec, "--dataset " + dataset + " is at the Hub, but HF_HUB_OFFLINE is set; use --corpus");
        }
        Optional<PageCache> kept = cache.wanted(spec);
        var server = new DatasetApi(new Http(SILENCE, RETRY), hub.endpoint(), hub.token(), wanted);
        try {
            DatasetRows rows = api == Api.PARQUET ? ParquetRows.open(server, seed) : RowsApi.open(server);
            return new DatasetPages(
                    kept.<DatasetRows>map(pages -> new CachedRows(rows, pages)).orElse(rows), choice);
        } catch (IOException | InterruptedException | RuntimeException e) {
            server.close();
            throw e;
        }
    }

    /** The Hub's address and token; a token goes to its own address only. */
    private HubSettings hub(CommandSpec spec) throws IOException {
        Path home = Path.of(System.getProperty("user.home"));
        try {
            var known = HubSettings.of(Main.environment(spec)::get, home, Optional.empty());
            return endpoint == null ? known : new HubSettings(endpoint, known.token(), known.cache(), known.offline());
        } catch (IllegalArgumentException e) {
            throw Usage.error(spec, (endpoint == null ? "HF_ENDPOINT: " : "--dataset_endpoint: ") + e.getMessage());
        }
    }
}
