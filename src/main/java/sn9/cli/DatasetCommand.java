package sn9.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code dataset}: the pages of text, for people. */
@Command(
        name = "dataset",
        description = "Look at the pages that miners and validators draw, and at what was fetched of them.",
        subcommands = {DatasetPagesCommand.class, DatasetCacheCommand.class, DatasetStatsCommand.class})
final class DatasetCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    /** Only runs when none of the commands below was named. */
    @Override
    public void run() {
        throw Main.missingCommand(spec);
    }
}
