package sn9.miner;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Comparator;

/**
 * Where one training run keeps its files: {@code <model_dir>/training/<run id>}, the run id being the local time of its
 * start (spec/subnet.md B.2).
 *
 * @param folder the run's own folder
 */
public record RunDirectory(Path folder) {
    private static final DateTimeFormatter RUN_ID = DateTimeFormatter.ofPattern("uuuu-MM-dd_HH-mm-ss");

    /** Makes the folder of a new run; a second run of the same second gets {@code -2} behind its id. */
    public static RunDirectory create(Path modelDir, LocalDateTime now) throws IOException {
        Path training = Files.createDirectories(modelDir.resolve("training"));
        String id = RUN_ID.format(now);
        for (int n = 1; ; n++) {
            try {
                return new RunDirectory(Files.createDirectory(training.resolve(n == 1 ? id : id + "-" + n)));
            } catch (FileAlreadyExistsException e) {
                if (n == 100) {
                    throw e;
                }
            }
        }
    }

    /** The run whose checkpoint was written last; throws {@link NoSuchFileException} when there is none. */
    public static RunDirectory latest(Path modelDir) throws IOException {
        Path training = modelDir.resolve("training");
        if (Files.isDirectory(training)) {
            try (var folders = Files.list(training)) {
                var latest = folders.map(RunDirectory::new)
                        .filter(run -> Files.isRegularFile(run.checkpoint()))
                        .max(Comparator.comparing((RunDirectory run) ->
                                        run.checkpoint().toFile().lastModified())
                                .thenComparing(RunDirectory::id));
                if (latest.isPresent()) {
                    return latest.get();
                }
            }
        }
        throw new NoSuchFileException(training + "/*/checkpoint.safetensors");
    }

    /** The run's name. */
    public String id() {
        return folder.getFileName().toString();
    }

    /** The best model so far, in Hugging Face layout and nothing else. */
    public Path best() {
        return folder.resolve("best");
    }

    /** From where training resumes. */
    public Path checkpoint() {
        return folder.resolve("checkpoint.safetensors");
    }

    /** Rows of {@code step}, {@code epoch} and {@code held_out}. */
    public Path metrics() {
        return folder.resolve("metrics.jsonl");
    }
}
