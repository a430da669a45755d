package sn9.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import sn9.MalformedDataException;
import sn9.dashboard.ChainView;
import sn9.dashboard.Leaderboard;
import sn9.dashboard.Point;
import sn9.dashboard.Snapshot;
import sn9.dashboard.TrainingRun;
import sn9.files.AtomicFiles;
import sn9.localnet.LocalChain;

/** {@code dashboard}: what is going on, on one page. */
@Command(
        name = "dashboard",
        description = "Write one HTML page with loss curves, leaderboard, refused models, the chain's weights and a"
                + " sample of text. It needs no other file, no network and no script to be read.")
final class DashboardCommand implements Callable<Integer> {
    private static final String METRICS = "metrics.jsonl";

    private static final int MAX_SAMPLE_BYTES = 1 << 20;

    @Spec
    private CommandSpec spec;

    @Option(names = "--snapshot", paramLabel = "FILE", required = true, description = "Where to write the page.")
    private Path snapshot;

    @Option(
            names = "--run",
            paramLabel = "RUN_DIR",
            description = "Show this training run (a folder with metrics.jsonl). May be repeated.")
    private List<Path> runs = List.of();

    @Option(
            names = "--model_dir",
            paramLabel = "DIR",
            description = "Show all training runs of this miner's --model_dir. May be repeated.")
    private List<Path> modelDirs = List.of();

    @Option(
            names = "--validator_dir",
            paramLabel = "DIR",
            description = "Show the leaderboard and the refused models of the validator with this --model_dir.")
    private Path validatorDir;

    @Option(
            names = "--localnet_dir",
            paramLabel = "DIR",
            description = "Show neurons, weights and incentive of this local network.")
    private Path localnetDir;

    @Option(names = "--sample", paramLabel = "FILE", description = "Show this text, as a model has written it.")
    private Path sample;

    @Mixin
    private LoggingOptions logging;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws IOException {
        var training = trainingRuns();
        var page = new Snapshot(Instant.now(), training, leaderboard(), chain(), sample());
        AtomicFiles.write(snapshot, page.html().getBytes(StandardCharsets.UTF_8));

        var output = Output.of(spec, json);
        page.leaderboard().ifPresent(board -> output.table(table(board, page.chain())));
        page.leaderboard()
                .filter(board -> !board.refused().isEmpty())
                .ifPresent(board -> output.table(refused(board, page.chain())));
        output.text("wrote " + snapshot.toAbsolutePath().normalize());
        var answer = new LinkedHashMap<String, Object>();
        answer.put("snapshot", snapshot.toString());
        answer.put("runs", training.stream().map(DashboardCommand::describe).toList());
        answer.put(
                "leaderboard",
                page.leaderboard().map(board -> rows(board, page.chain())).orElse(List.of()));
        answer.put(
                "refused",
                page.leaderboard().stream()
                        .flatMap(board -> board.refused().stream())
                        .map(refused -> describe(refused, page.chain()))
                        .toList());
        output.json(answer);
        return ExitCode.DONE;
    }

    private List<TrainingRun> trainingRuns() throws IOException {
        var found = new ArrayList<TrainingRun>();
        for (Path modelDir : modelDirs) {
            var folders = runFolders(modelDir);
            for (Path folder : folders) {
                String name = folders.size() == 1 ? name(modelDir) : name(modelDir) + " " + name(folder);
                found.add(TrainingRun.read(name, folder.resolve(METRICS)));
            }
        }
        for (Path run : runs) {
            found.add(TrainingRun.read(name(run), run.resolve(METRICS)));
        }
        return found;
    }

    /** The runs of a miner that have measured something, oldest first; their names are times. */
    private static List<Path> runFolders(Path modelDir) throws IOException {
        Path training = modelDir.resolve("training");
        if (!Files.isDirectory(training)) {
            throw new NoSuchFileException(training.toString());
        }
        try (var folders = Files.list(training)) {
            return folders.filter(folder -> Files.isRegularFile(folder.resolve(METRICS)))
                    .sorted()
                    .toList();
        }
    }

    private static String name(Path folder) {
        return folder.toAbsolutePath().normalize().getFileName().toString();
    }

    private Optional<Leaderboard> leaderboard() throws IOException {
        return validatorDir == null
                ? Optional.empty()
                : Optional.of(Leaderboard.read(validatorDir.resolve("validator.db")));
    }

    private Optional<ChainView> chain() throws IOException {
        if (localnetDir == null) {
            return Optional.empty();
        }
        try (var chain = LocalChain.observe(localnetDir, InstantSource.system())) {
            var weights = ChainWeights.read(chain);
            return Optional.of(new ChainView(
                    weights.metagraph().netuid(),
                    weights.metagraph().block(),
                    weights.metagraph().neurons().stream()
                            .map(n -> new ChainView.Neuron(n.uid(), n.hotkey(), n.stake(), n.incentive()))
                            .toList(),
                    weights.submissions().stream()
                            .flatMap(s -> s.weights().entrySet().stream()
                                    .map(w -> new ChainView.Weight(s.uid(), w.getKey(), w.getValue(), s.block())))
                            .toList()));
        }
    }

    private Optional<String> sample() throws IOException {
        if (sample == null) {
            return Optional.empty();
        }
        try (var in = Files.newInputStream(sample)) {
            byte[] bytes = in.readNBytes(MAX_SAMPLE_BYTES + 1);
            if (bytes.length > MAX_SAMPLE_BYTES) {
                throw new MalformedDataException(
                        sample.toString(),
                        MAX_SAMPLE_BYTES,
                        "expected a text of at most " + MAX_SAMPLE_BYTES + " bytes");
            }
            return Optional.of(new String(bytes, StandardCharsets.UTF_8));
        }
    }

    private static Table table(Leaderboard board, Optional<ChainView> chain) {
        var table = new Table(
                "Leaderboard after step " + board.step(),
                "rank",
                "uid",
                "model",
                "loss",
                "win rate",
                "weight",
                "u16 on chain",
                "incentive");
        int rank = 0;
        for (var row : board.rows()) {
            var neuron = chain.flatMap(view -> view.find(row.hotkey()));
            table.row(
                    ++rank,
                    row.uid(),
                    Leaderboard.repository(row.commitment()),
                    decimals(row.loss()),
                    decimals(row.winRate()),
                    decimals(row.weight()),
                    neuron.map(n -> chain.get().weight(n.uid())).orElse(null),
                    neuron.map(n -> decimals(n.incentive())).orElse(null));
        }
        return table;
    }

    private static Table refused(Leaderboard board, Optional<ChainView> chain) {
        var table = new Table("Refused", "uid", "model", "reason");
        for (var refused : board.refused()) {
            table.row(
                    uid(refused.hotkey(), chain).orElse(null),
                    Leaderboard.repository(refused.commitment()),
                    refused.reason());
        }
        return table;
    }

    private static Optional<Integer> uid(String hotkey, Optional<ChainView> chain) {
        return chain.flatMap(view -> view.find(hotkey)).map(ChainView.Neuron::uid);
    }

    private static Map<String, ?> describe(Leaderboard.Refused refused, Optional<ChainView> chain) {
        var entry = new LinkedHashMap<String, Object>();
        entry.put("uid", uid(refused.hotkey(), chain).orElse(null));
        entry.put("hotkey", refused.hotkey());
        entry.put("commitment", refused.commitment());
        entry.put("reason", refused.reason());
        return entry;
    }

    private static List<Map<String, ?>> rows(Leaderboard board, Optional<ChainView> chain) {
        var rows = new ArrayList<Map<String, ?>>();
        for (var row : board.rows()) {
            var neuron = chain.flatMap(view -> view.find(row.hotkey()));
            var entry = new LinkedHashMap<String, Object>();
            entry.put("uid", row.uid());
            entry.put("hotkey", row.hotkey());
            entry.put("commitment", row.commitment());
            entry.put("loss", row.loss());
            entry.put("win_rate", row.winRate());
            entry.put("weight", row.weight());
            entry.put("u16", neuron.map(n -> chain.get().weight(n.uid())).orElse(null));
            entry.put("incentive", neuron.map(ChainView.Neuron::incentive).orElse(null));
            rows.add(entry);
        }
        return rows;
    }

    private static Map<String, ?> describe(TrainingRun run) {
        var entry = new LinkedHashMap<String, Object>();
        entry.put("name", run.name());
        entry.put("steps", run.steps());
        entry.put(
                "first_held_out_loss",
                run.heldOut().stream().findFirst().map(Point::loss).orElse(null));
        entry.put("best_held_out_loss", run.best().map(Point::loss).orElse(null));
        return entry;
    }

    private static String decimals(double value) {
        return String.format(Locale.ROOT, "%.4f", value);
    }
}
