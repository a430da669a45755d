package sn9.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code localnet}: the embedded network of this machine, for rehearsal and the quick start. */
@Command(
        name = "localnet",
        description = "Make, look at and rehearse with the embedded local network (a Hub and a chain in one folder).",
        subcommands = {
            LocalnetCreateCommand.class,
            LocalnetAdvanceCommand.class,
            LocalnetShowCommand.class,
            LocalnetCommitCommand.class,
            LocalnetPublishCommand.class
        })
final class LocalnetCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    /** Only runs when none of the commands below was named. */
    @Override
    public void run() {
        throw Main.missingCommand(spec);
    }
}
