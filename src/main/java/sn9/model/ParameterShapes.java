package sn9.model;

import java.util.LinkedHashMap;
import java.util.Map;

/** The names Hugging Face gives to the tensors of a GPT-2, with their true shapes, in the order of the graph. */
public final class ParameterShapes {
    private ParameterShapes() {}

    /** Name to shape of every parameter; matrices are [in, out]; the head is tied to {@code transformer.wte.weight}. */
    public static Map<String, long[]> of(Gpt2Config config) {
        long C = config.nEmbd();
        var shapes = new LinkedHashMap<String, long[]>();
        shapes.put("transformer.wte.weight", new long[] {config.vocabSize(), C});
        shapes.put("transformer.wpe.weight", new long[] {config.nPositions(), C});
        for (int l = 0; l < config.nLayer(); l++) {
            String block = "transformer.h." + l + ".";
            shapes.put(block + "ln_1.weight", new long[] {C});
            shapes.put(block + "ln_1.bias", new long[] {C});
            shapes.put(block + "attn.c_attn.weight", new long[] {C, 3 * C});
            shapes.put(block + "attn.c_attn.bias", new long[] {3 * C});
            shapes.put(block + "attn.c_proj.weight", new long[] {C, C});
            shapes.put(block + "attn.c_proj.bias", new long[] {C});
            shapes.put(block + "ln_2.weight", new long[] {C});
            shapes.put(block + "ln_2.bias", new long[] {C});
            shapes.put(block + "mlp.c_fc.weight", new long[] {C, 4 * C});
            shapes.put(block + "mlp.c_fc.bias", new long[] {4 * C});
            shapes.put(block + "mlp.c_proj.weight", new long[] {4 * C, C});
            shapes.put(block + "mlp.c_proj.bias", new long[] {C});
        }
        shapes.put("transformer.ln_f.weight", new long[] {C});
        shapes.put("transformer.ln_f.bias", new long[] {C});
        return shapes;
    }
}
