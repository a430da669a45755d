package sn9.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code model}: gets a model, and says what a model directory is, without training or evaluating it. */
@Command(
        name = "model",
        description = "Download a model; judge, hash or show a model directory.",
        subcommands = {ModelGetCommand.class, ModelCheckCommand.class, ModelHashCommand.class, ModelShowCommand.class})
final class ModelCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    /** Only runs when none of the commands below was named. */
    @Override
    public void run() {
        throw Main.missingCommand(spec);
    }
}
