package sn9.validator;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import sn9.checkpoint.HfConfig;
import sn9.checkpoint.ModelDirectory;
import sn9.data.Batch;
import sn9.model.Gpt2Config;
import sn9.model.ParameterShapes;
import sn9.tensor.ElementType;
import sn9.tensor.TensorView;

/** Models of 2 channels, in which a loss is written down: {@link #losses} reads it back in place of an evaluation. */
final class TinyModels {
    private static final String LOSS_AT = "transformer.ln_f.bias";
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private TinyModels() {}

    static void write(Path dir, float loss) throws IOException {
        write(dir, loss, 1024, 50257);
    }

    static void write(Path dir, float loss, int positions, int vocabSize) throws IOException {
        var config = new Gpt2Config(vocabSize, positions, 2, 1, 1, 1e-5f);
        var tensors = new ArrayList<TensorView>();
        ParameterShapes.of(config).forEach((name, shape) -> {
            var values = new float[(int) TensorView.elements(shape)];
            if (name.equals(LOSS_AT)) {
                values[0] = loss;
            }
            tensors.add(new TensorView(name, ElementType.F32, shape, MemorySegment.ofArray(values)));
        });
        ModelDirectory.write(dir, HfConfig.of(config, ElementType.F32), ElementType.F32, tensors);
    }

    /** The loss written into a model, a little more with each batch. */
    static double[] losses(ModelDirectory model, List<Batch> batches, Duration limit) {
        float loss = model.tensor(LOSS_AT).data().get(FLOAT, 0);
        var losses = new double[batches.size()];
        for (int b = 0; b < losses.length; b++) {
            losses[b] = loss + b * 1e-3;
        }
        return losses;
    }
}
