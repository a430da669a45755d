package sn9.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import sn9.data.PageCache;

/** Where fetched pages are kept. */
public final class PageCacheOptions {
    private static final double GIB = 1L << 30;

    @Option(
            names = "--page_cache",
            paramLabel = "DIR",
            description = "Folder of fetched pages, which several processes may share. Default: sn9/pages in"
                    + " XDG_CACHE_HOME or ~/.cache")
    private String folder;

    @Option(
            names = "--page_cache_gb",
            paramLabel = "GB",
            defaultValue = "10",
            description = "Most GiB of fetched pages; what was not read for longest goes first, and 0 keeps none."
                    + " Default: ${DEFAULT-VALUE}")
    private double gib;

    /** The folder. */
    Path folder(CommandSpec spec) {
        if (folder != null) {
            return Home.resolve(folder);
        }
        String caches = Main.environment(spec).get("XDG_CACHE_HOME").orElse("~/.cache");
        return Home.resolve(caches).resolve("sn9").resolve("pages");
    }

    /**
     * The cache to read through; empty when nothing is to be kept, and what others keep there stays then.
     *
     * @throws picocli.CommandLine.ParameterException when its size is none
     */
    Optional<PageCache> wanted(CommandSpec spec) throws IOException {
        return gib == 0 ? Optional.empty() : Optional.of(open(spec));
    }

    /**
     * Opens the cache, made if need be.
     *
     * @throws picocli.CommandLine.ParameterException when its size is none
     */
    PageCache open(CommandSpec spec) throws IOException {
        if (!(gib >= 0)) {
            throw Usage.error(spec, "--page_cache_gb is " + gib + ", expected 0 or more");
        }
        return PageCache.open(folder(spec), (long) (gib * GIB));
    }
}
