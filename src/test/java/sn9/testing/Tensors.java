package sn9.testing;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.function.Function;
import sn9.model.Gpt2Config;
import sn9.model.ParameterShapes;
import sn9.tensor.ElementType;
import sn9.tensor.TensorView;

/** Arrays of parameters as the tensors of a file. */
public final class Tensors {
    private Tensors() {}

    /** F32 tensors by Hugging Face name, as {@link sn9.model.Parameters#forEvaluation} wants them. */
    public static Function<String, TensorView> of(Gpt2Config config, Map<String, double[]> values, Arena arena) {
        Map<String, long[]> shapes = ParameterShapes.of(config);
        return name -> {
            double[] from = values.get(name);
            MemorySegment data = arena.allocate(ValueLayout.JAVA_FLOAT, from.length);
            for (int i = 0; i < from.length; i++) {
                data.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) from[i]);
            }
            return new TensorView(name, ElementType.F32, shapes.get(name), data);
        };
    }
}
