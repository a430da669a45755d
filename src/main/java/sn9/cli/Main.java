package sn9.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import sn9.MalformedDataException;

/**
 * The program: finds the command, fills its options from flags, environment, {@code .env} and defaults, runs it, and
 * turns its end into an exit code. A failure is one line on standard error; {@code --logging.debug} adds the stack trace.
 */
@Command(
        name = "sn9",
        description = "Miners and validators for Bittensor subnet 9 (GPT-2 pretraining).",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        scope = ScopeType.INHERIT,
        sortOptions = true,
        usageHelpAutoWidth = true,
        usageHelpWidth = 120,
        optionListHeading = "%nOptions:%n",
        commandListHeading = "%nCommands:%n",
        footer = {
            "",
            "Each flag can be set by an environment variable: --wallet.name by SN9_WALLET_NAME (or BT_WALLET_NAME).",
            "A flag wins over the environment, the environment over the file .env, and that over the default.",
            "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the device or a native library failed."
        })
public final class Main implements Runnable {
    private final Environment environment;
    private final Terminal terminal;

    @Spec
    private CommandSpec spec;

    private Main(Environment environment, Terminal terminal) {
        this.environment = environment;
        this.terminal = terminal;
    }

    /** Runs one command of this process's arguments, environment and working directory, and exits with its code. */
    public static void main(String[] args) {
        var out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
        var err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
        Environment environment;
        try {
            environment = Environment.load(System.getenv(), Path.of(".env"));
        } catch (MalformedDataException e) {
            err.println("sn9: " + e.getMessage());
            System.exit(ExitCode.USAGE);
            return;
        }
        var terminal = new SystemTerminal();
        System.exit(commandLine(Commands.reachable(args), environment, terminal, out, err)
                .execute(args));
    }

    /** The command line over some commands, ready to execute; environment, terminal and streams are the caller's. */
    static CommandLine commandLine(
            List<Object> commands, Environment environment, Terminal terminal, PrintWriter out, PrintWriter err) {
        var line = new CommandLine(new Main(environment, terminal));
        commands.forEach(line::addSubcommand);
        return line.setOut(out)
                .setErr(err)
                .setDefaultValueProvider(environment.defaults())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionStrategy(parsed -> execute(parsed, environment))
                .setParameterExceptionHandler(new UsageErrors())
                .setExecutionExceptionHandler(new Failures(environment))
                .setOverwrittenOptionsAllowed(false);
    }

    /** The variables that a command runs with. */
    static Environment environment(CommandSpec spec) {
        return ((Main) spec.root().userObject()).environment;
    }

    /** The person who runs a command. */
    static Terminal terminal(CommandSpec spec) {
        return ((Main) spec.root().userObject()).terminal;
    }

    /** Only runs when no command was named. */
    @Override
    public void run() {
        throw missingCommand(spec);
    }

    /** The error of a command that only groups others and was called without one of them. */
    static ParameterException missingCommand(CommandSpec spec) {
        String known = spec.subcommands().keySet().stream().sorted().collect(Collectors.joining(", "));
        return new ParameterException(spec.commandLine(), "a command is missing, one of: " + known);
    }

    private static int execute(ParseResult parsed, Environment environment) {
        ParseResult deepest = parsed;
        while (deepest.hasSubcommand()) {
            deepest = deepest.subcommand();
        }
        var spec = deepest.commandSpec();
        if (!deepest.isUsageHelpRequested() && !deepest.isVersionHelpRequested()) {
            LoggingOptions.of(spec).ifPresent(LoggingOptions::apply);
            EffectiveConfig.log(spec, environment);
        }
        return new CommandLine.RunLast().execute(parsed);
    }

    /** The jar's version, as the manifest has it. */
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = Main.class.getPackage().getImplementationVersion();
            return new String[] {"sn9 " + (version == null ? "development build" : version)};
        }
    }
}
