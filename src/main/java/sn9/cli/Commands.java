package sn9.cli;

import java.util.List;

/** Every command of the program, one line each. */
final class Commands {
    private static final List<String> NAMES = List.of(
            "bench",
            "dashboard",
            "dataset",
            "devices",
            "eval",
            "generate",
            "localnet",
            "metagraph",
            "miner",
            "model",
            "register",
            "upload",
            "validator",
            "wallet",
            "weights");

    private Commands() {}

    /** New instances of all, for one command line. */
    static List<Object> all() {
        return NAMES.stream().map(Commands::named).toList();
    }

    /**
     * Those that a command line can reach: only the command that its first word names, or all where it names none. To read
     * the options of every command takes longer than some commands run.
     */
    static List<Object> reachable(String[] args) {
        return args.length > 0 && NAMES.contains(args[0]) ? List.of(named(args[0])) : all();
    }

    private static Object named(String name) {
        return switch (name) {
            case "bench" -> new BenchCommand();
            case "dashboard" -> new DashboardCommand();
            case "dataset" -> new DatasetCommand();
            case "devices" -> new DevicesCommand();
            case "eval" -> new EvalCommand();
            case "generate" -> new GenerateCommand();
            case "localnet" -> new LocalnetCommand();
            case "metagraph" -> new MetagraphCommand();
            case "miner" -> new MinerCommand();
            case "model" -> new ModelCommand();
            case "register" -> new RegisterCommand();
            case "upload" -> new UploadCommand();
            case "validator" -> new ValidatorCommand();
            case "wallet" -> new WalletCommand();
            case "weights" -> new WeightsCommand();
            default -> throw new IllegalArgumentException("no command is called " + name);
        };
    }
}
