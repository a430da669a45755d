package sn9.cli;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code dataset cache}: what was fetched, and room. */
@Command(name = "cache", description = "Show the folder of fetched pages, make it fit its quota, or empty it.")
final class DatasetCacheCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--clear", fallbackValue = "true", description = "Delete all fetched pages.")
    private boolean clear;

    @Mixin
    private PageCacheOptions options;

    @Mixin
    private LoggingOptions logging;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws IOException {
        var cache = options.open(spec);
        if (clear) {
            cache.clear();
        }
        var usage = cache.usage();
        var output = Output.of(spec, json);
        output.text("%s: %d pages, %.1f MB of at most %.1f MB"
                .formatted(options.folder(spec), usage.pages(), usage.bytes() / 1e6, cache.quotaBytes() / 1e6));
        var answer = new LinkedHashMap<String, Object>();
        answer.put("folder", options.folder(spec).toString());
        answer.put("pages", usage.pages());
        answer.put("bytes", usage.bytes());
        answer.put("quota_bytes", cache.quotaBytes());
        output.json(answer);
        return ExitCode.DONE;
    }
}
