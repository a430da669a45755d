package sn9.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import sn9.MalformedDataException;
import sn9.model.Gpt2Config;
import sn9.tensor.ElementType;
import sn9.tensor.FiniteScan;
import sn9.tensor.TensorView;

/**
 * A GPT-2 in a directory of Hugging Face's layout: {@code config.json} and {@code model.safetensors}, or an index and
 * shards, or else {@code pytorch_model.bin} (spec/hub.md sections 6 to 8); or {@code model.safe} or {@code model.pth} as
 * generation A had them, which need no {@code config.json} ({@link BareModel}). Opening checks that every parameter is there
 * once, in its shape and in a float type; the bytes stay in mapped files. May be used from any thread as long as nobody
 * closes it.
 *
 * <p>What a validator takes is decided before, by the rules' fetch list: from generation B on a repository of
 * {@code pytorch_model.bin} alone is no model.
 */
public final class ModelDirectory implements AutoCloseable {
    static final String CONFIG = "config.json";
    static final String GENERATION_CONFIG = "generation_config.json";
    static final String WEIGHTS = "model.safetensors";
    static final String TORCH_WEIGHTS = "pytorch_model.bin";
    static final String INDEX = "model.safetensors.index.json";

    private static final String BARE_WEIGHTS = "model.safe";
    private static final String BARE_TORCH_WEIGHTS = "model.pth";
    private static final List<String> PARAMETERS =
            List.of(WEIGHTS, INDEX, TORCH_WEIGHTS, BARE_WEIGHTS, BARE_TORCH_WEIGHTS);
    private static final Set<String> BARE = Set.of(BARE_WEIGHTS, BARE_TORCH_WEIGHTS);
    private static final Set<String> TORCH = Set.of(TORCH_WEIGHTS, BARE_TORCH_WEIGHTS);

    private static final byte[] ZIP = {'P', 'K', 3, 4};

    private final Path dir;
    private final HfConfig hfConfig;
    private final List<TensorFile> files;
    private final Map<String, TensorView> parameters;

    private ModelDirectory(Path dir, HfConfig hfConfig, List<TensorFile> files, Map<String, TensorView> parameters) {
        this.dir = dir;
        this.hfConfig = hfConfig;
        this.files = files;
        this.parameters = parameters;
    }

    /**
     * Opens a model and checks everything about it but its numbers; for those see {@link #nonFinite}.
     *
     * @throws MalformedDataException when a file is missing or malformed, when config and tensors do not agree, or when
     *     the model is none that can be computed here
     * @throws IOException when a file cannot be read
     */
    public static ModelDirectory open(Path place) throws IOException {
        Path dir = AtomicDirectory.present(place);
        if (!Files.isDirectory(dir)) {
            throw new MalformedDataException(dir.toString(), -1, "expected a directory with a model, found none");
        }
        String parameterFile = parameterFile(dir);
        boolean bare = BARE.contains(parameterFile) && !Files.exists(dir.resolve(CONFIG));
        var described = bare ? Optional.<HfConfig>empty() : Optional.of(HfConfig.read(dir.resolve(CONFIG)));
        var files = new ArrayList<TensorFile>();
        try {
            openFiles(dir, parameterFile, files);
            var tensors = new HashMap<String, TensorView>();
            var otherTensors = new HashMap<String, String>();
            for (TensorFile file : files) {
                tensors.putAll(file.tensors());
                otherTensors.putAll(file.otherTensors());
            }
            HfConfig hfConfig = described.isPresent() ? described.get() : BareModel.config(dir.toString(), tensors);
            Map<String, TensorView> parameters =
                    Gpt2Tensors.resolve(dir.toString(), hfConfig.shape(), tensors, otherTensors);
            return new ModelDirectory(dir, hfConfig, List.copyOf(files), parameters);
        } catch (IOException | RuntimeException e) {
            files.forEach(TensorFile::close);
            throw e;
        }
    }

    /** The file that holds the parameters, or names those that do; the first there is of all that are known. */
    private static String parameterFile(Path dir) throws MalformedDataException {
        return PARAMETERS.stream()
                .filter(name -> Files.exists(dir.resolve(name)))
                .findFirst()
                .orElseThrow(() -> new MalformedDataException(
                        dir.toString(), -1, "expected one of " + String.join(", ", PARAMETERS) + ", found none"));
    }

    /** Opens the one file or all shards, adding each to {@code files} at once so that the caller can close it. */
    private static void openFiles(Path dir, String parameterFile, List<TensorFile> files) throws IOException {
        Path indexFile = dir.resolve(parameterFile);
        if (TORCH.contains(parameterFile)) {
            files.add(TorchPickle.open(indexFile));
            return;
        }
        if (!parameterFile.equals(INDEX)) {
            files.add(Safetensors.open(indexFile));
            return;
        }
        ShardIndex index = ShardIndex.of(indexFile.toString(), StrictJson.readObject(indexFile, ShardIndex.BOUNDS));
        for (String name : index.files()) {
            Path path = dir.resolve(name);
            Safetensors shard = Safetensors.open(path);
            files.add(shard);
            Set<String> found = new HashSet<>(shard.tensors().keySet());
            found.addAll(shard.otherTensors().keySet());
            index.check(path.toString(), name, found);
        }
    }

    /**
     * The name under which a bare file of parameters stands in a model directory: a zip is a state dict of PyTorch,
     * anything else is taken for safetensors, which opening it confirms or refuses.
     */
    public static String fileNameFor(Path parameters) throws IOException {
        try (InputStream in = Files.newInputStream(parameters)) {
            return Arrays.equals(in.readNBytes(ZIP.length), ZIP) ? TORCH_WEIGHTS : WEIGHTS;
        }
    }

    /** The model's sizes. */
    public Gpt2Config config() {
        return hfConfig.shape();
    }

    /** What {@code config.json} says. */
    public HfConfig hfConfig() {
        return hfConfig;
    }

    /**
     * One parameter, in the type the file has it in.
     *
     * @param hfName a name of {@link sn9.model.ParameterShapes}, whatever variant the file uses
     * @throws IllegalArgumentException when this model has no such parameter
     */
    public TensorView tensor(String hfName) {
        TensorView tensor = parameters.get(hfName);
        if (tensor == null) {
            throw new IllegalArgumentException(
                    "a GPT-2 of " + config().nLayer() + " layers has no parameter " + hfName);
        }
        return tensor;
    }

    /** All parameters, in the order and under the names of {@link sn9.model.ParameterShapes}. */
    public Collection<TensorView> tensors() {
        return parameters.values();
    }

    /** Number of parameters; the tied head counts once. */
    public long parameterCount() {
        return parameters.values().stream().mapToLong(TensorView::elements).sum();
    }

    /**
     * Bytes of all files in the directory and below it, links to files followed.
     *
     * @throws IOException when the directory cannot be listed
     */
    public long bytes() throws IOException {
        long sum = 0;
        try (Stream<Path> paths = Files.walk(dir)) {
            for (Path path : (Iterable<Path>) paths.filter(Files::isRegularFile)::iterator) {
                sum += Files.size(path);
            }
        }
        return sum;
    }

    /** Name and index of the first parameter that is NaN or infinite; empty when all are finite. Reads all. */
    public Optional<String> nonFinite() {
        for (TensorView tensor : parameters.values()) {
            long index = FiniteScan.firstNonFinite(tensor);
            if (index >= 0) {
                return Optional.of(tensor.name() + "[" + index + "]");
            }
        }
        return Optional.empty();
    }

    /**
     * Writes a model directory whole or not at all: into a new directory beside it, synced, renamed. A directory that is
     * there already is replaced; files in it that belong to no model (a README) are kept. Only one writer of a directory
     * at a time. A crash between the two renames of a replacement leaves both versions complete, and the next write
     * starts by putting the older one back.
     *
     * @param config is written with {@code type}
     * @param type F32 or BF16
     * @param f32tensors exactly the parameters of {@link sn9.model.ParameterShapes}, in any order
     * @throws IllegalArgumentException when tensors do not fit the config, or {@code type} is neither
     * @throws IOException when writing failed, for instance on a full disk, or {@code dir} holds something that is no
     *     model; what was there before is then untouched
     */
    public static void write(Path dir, HfConfig config, ElementType type, Collection<TensorView> f32tensors)
            throws IOException {
        if (type != ElementType.F32 && type != ElementType.BF16) {
            throw new IllegalArgumentException("models are written as F32 or BF16, not as " + type);
        }
        checkParameters(config.shape(), f32tensors);
        HfConfig written = config.withType(type);
        AtomicDirectory.replace(dir, ModelDirectory::isModelFile, fresh -> {
            written.write(fresh.resolve(CONFIG));
            written.writeGeneration(fresh.resolve(GENERATION_CONFIG));
            SafetensorsWriter.writeF32As(type, fresh.resolve(WEIGHTS), Map.of("format", "pt"), f32tensors);
        });
    }

    private static void checkParameters(Gpt2Config shape, Collection<TensorView> f32tensors) {
        var byName = new HashMap<String, TensorView>();
        for (TensorView tensor : f32tensors) {
            if (byName.put(tensor.name(), tensor) != null) {
                throw new IllegalArgumentException("tensor " + tensor.name() + " is there twice");
            }
        }
        try {
            if (Gpt2Tensors.resolve("the model to be written", shape, byName, Map.of())
                            .size()
                    != byName.size()) {
                throw new IllegalArgumentException("expected parameters only, got a head or a mask among them");
            }
        } catch (MalformedDataException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    private static boolean isModelFile(String name) {
        return name.equals(CONFIG)
                || name.equals(GENERATION_CONFIG)
                || PARAMETERS.contains(name)
                || name.matches("model-\\d{5}-of-\\d{5}\\.safetensors");
    }

    /** Unmaps the files; the tensors must not be read any more. */
    @Override
    public void close() {
        files.forEach(TensorFile::close);
    }
}
