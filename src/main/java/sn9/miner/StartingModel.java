package sn9.miner;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import java.util.OptionalInt;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.checkpoint.HfConfig;
import sn9.checkpoint.ModelDirectory;
import sn9.model.Gpt2Config;
import sn9.tensor.ElementType;

/**
 * From which model training starts. Of several wishes the first counts (spec/subnet.md B.2): the network's best, a uid's,
 * a directory, a bare file of parameters; with none, a fresh model.
 *
 * @param best whether to start from the miner with the highest incentive
 * @param uid start from this uid's committed model
 * @param modelDir start from this directory in Hugging Face layout
 * @param modelFile start from this safetensors file or state dict of PyTorch, with exactly the tensors of {@code shape}
 * @param shape of the fresh model, and of {@code modelFile}
 */
public record StartingModel(
        boolean best, OptionalInt uid, Optional<Path> modelDir, Optional<Path> modelFile, Gpt2Config shape) {
    private static final Logger LOG = LoggerFactory.getLogger(StartingModel.class);

    /** Where published models come from; opened only when one is wanted. */
    public interface Network {
        /** Opens or returns the network. */
        NetworkModels models() throws IOException, InterruptedException;
    }

    /**
     * Finds the model, downloading and verifying it when it is a published one.
     *
     * @param network asked only for a published model
     * @param folder where downloads and the directory around a bare file are kept
     * @return the model's directory; empty for a fresh model
     */
    public Optional<Path> resolve(Network network, Path folder) throws IOException, InterruptedException {
        if (best) {
            return from("load_best", network.models().fetchBest(folder));
        }
        if (uid.isPresent()) {
            return from("load_uid=" + uid.getAsInt(), network.models().fetchUid(uid.getAsInt(), folder));
        }
        if (modelDir.isPresent()) {
            return from("load_model_dir", modelDir.get());
        }
        if (modelFile.isPresent()) {
            return from("load_model", wrap(modelFile.get(), folder));
        }
        LOG.info(
                "start=fresh n_layer={} n_head={} n_embd={} parameters={}",
                shape.nLayer(),
                shape.nHead(),
                shape.nEmbd(),
                shape.parameterCount());
        return Optional.empty();
    }

    private static Optional<Path> from(String wish, Path directory) throws IOException {
        try (var model = ModelDirectory.open(directory)) {
            LOG.info("start={} directory={} parameters={}", wish, directory, model.parameterCount());
        }
        return Optional.of(directory);
    }

    /** A model directory around a copy of a bare file; whether the tensors fit the shape, opening it tells. */
    private Path wrap(Path file, Path folder) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new NoSuchFileException(file.toString());
        }
        Path directory = Files.createDirectories(folder.resolve("load_model"));
        HfConfig.of(shape, ElementType.F32).write(directory.resolve("config.json"));
        Path target = directory.resolve(ModelDirectory.fileNameFor(file));
        Path partial = Files.createTempFile(directory, ".partial-", ".tmp");
        try {
            Files.copy(file, partial, StandardCopyOption.REPLACE_EXISTING);
            Files.deleteIfExists(directory.resolve("model.safetensors"));
            Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(partial);
        }
        return directory;
    }
}
