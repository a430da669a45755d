package sn9.cli;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import picocli.CommandLine.Option;
import sn9.miner.StartingModel;
import sn9.model.Gpt2Config;

/** From which model training starts, and where models are kept. */
public final class ModelOptions {
    @Option(
            names = "--load_best",
            fallbackValue = "true",
            description = "Start from the committed model of the miner with the highest incentive.")
    private boolean loadBest;

    @Option(names = "--load_uid", paramLabel = "UID", description = "Start from this uid's committed model.")
    private Integer loadUid;

    @Option(
            names = "--load_model_dir",
            paramLabel = "DIR",
            description = "Start from this directory in Hugging Face layout.")
    private Path loadModelDir;

    @Option(
            names = "--load_model",
            paramLabel = "FILE",
            description = "Start from this bare file, safetensors or a state dict of PyTorch (.pth, .bin); it must hold"
                    + " exactly the tensors of --n_layer, --n_head and --n_embd. Of several --load flags the first"
                    + " counts: best, uid, model_dir, model.")
    private Path loadModel;

    @Option(
            names = "--model_dir",
            paramLabel = "DIR",
            defaultValue = "local-models",
            description = "Folder of runs and downloads. Default: ${DEFAULT-VALUE}")
    private Path modelDir;

    @Option(
            names = "--n_layer",
            paramLabel = "L",
            defaultValue = "12",
            description = "Layers of a fresh model. Default: ${DEFAULT-VALUE}")
    private int nLayer;

    @Option(
            names = "--n_head",
            paramLabel = "NH",
            defaultValue = "10",
            description = "Attention heads of a fresh model. Default: ${DEFAULT-VALUE}")
    private int nHead;

    @Option(
            names = "--n_embd",
            paramLabel = "C",
            defaultValue = "760",
            description = "Width of a fresh model, a multiple of the heads. Default: ${DEFAULT-VALUE}")
    private int nEmbd;

    /** Folder of runs and downloads. */
    public Path modelDir() {
        return modelDir;
    }

    /** Where to start; throws {@link IllegalArgumentException} when the shape is impossible. */
    StartingModel start() {
        return new StartingModel(
                loadBest,
                loadUid == null ? OptionalInt.empty() : OptionalInt.of(loadUid),
                Optional.ofNullable(loadModelDir),
                Optional.ofNullable(loadModel),
                Gpt2Config.of(nLayer, nHead, nEmbd));
    }
}
