package sn9.testing;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.SplittableRandom;
import sn9.checkpoint.HfConfig;
import sn9.checkpoint.ModelDirectory;
import sn9.model.Gpt2Config;
import sn9.model.ParameterShapes;
import sn9.tensor.ElementType;
import sn9.tensor.TensorView;

/** Model directories of some kilobytes. */
public final class TinyModel {
    /** Far too small for the network's rules. */
    public static final Gpt2Config SHAPE = new Gpt2Config(11, 8, 8, 1, 2, 1e-5f);

    private TinyModel() {}

    /** Writes a model of {@link #SHAPE} whose parameters a seed decides. */
    public static Path write(Path directory, long seed) throws IOException {
        return write(directory, SHAPE, seed, 0.1);
    }

    /** Writes a model whose parameters a seed decides, within plus and minus a scale. */
    public static Path write(Path directory, Gpt2Config config, long seed, double scale) throws IOException {
        var random = new SplittableRandom(seed);
        var tensors = new ArrayList<TensorView>();
        try (var arena = Arena.ofConfined()) {
            ParameterShapes.of(config).forEach((name, shape) -> {
                long elements = TensorView.elements(shape);
                MemorySegment data = arena.allocate(ValueLayout.JAVA_FLOAT, elements);
                for (long i = 0; i < elements; i++) {
                    data.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextDouble(-scale, scale));
                }
                tensors.add(new TensorView(name, ElementType.F32, shape, data));
            });
            ModelDirectory.write(directory, HfConfig.of(config, ElementType.F32), ElementType.F32, tensors);
        }
        return directory;
    }
}
