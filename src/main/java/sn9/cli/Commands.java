package sn9.cli;

import java.util.List;

/** Every command of the program, one line each. */
final class Commands {
    private Commands() {}

    /** New instances, for one command line. */
    static List<Object> all() {
        return List.of(
                new BenchCommand(),
                new DashboardCommand(),
                new DatasetCommand(),
                new DevicesCommand(),
                new EvalCommand(),
                new GenerateCommand(),
                new LocalnetCommand(),
                new MetagraphCommand(),
                new MinerCommand(),
                new ModelCommand(),
                new RegisterCommand(),
                new UploadCommand(),
                new ValidatorCommand(),
                new WeightsCommand());
    }
}
