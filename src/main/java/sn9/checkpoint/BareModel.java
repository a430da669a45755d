package sn9.checkpoint;

import java.util.Map;
import sn9.MalformedDataException;
import sn9.model.Gpt2Config;
import sn9.tensor.TensorView;

/**
 * The config of a model that comes without {@code config.json}, as all of generation A did ({@code model.pth},
 * {@code model.safe}): its sizes are those of its tensors, and the heads, which no tensor tells, those that the network
 * prescribed for the width (spec/subnet.md section 0).
 */
final class BareModel {
    /** Width to heads: 12/12/480 of A0 and A1, 12/10/760 of A2. */
    private static final Map<Integer, Integer> HEADS = Map.of(480, 12, 760, 10);

    private BareModel() {}

    /**
     * Derives a config.
     *
     * @param source what to call the model in messages
     * @throws MalformedDataException when a tensor that tells a size is missing, or the width is no such one
     */
    static HfConfig config(String source, Map<String, TensorView> tensors) throws MalformedDataException {
        String prefix = tensors.containsKey("wte.weight") ? "" : "transformer.";
        TensorView wte = matrix(source, tensors, prefix + "wte.weight");
        TensorView wpe = matrix(source, tensors, prefix + "wpe.weight");
        int layers = 0;
        while (tensors.containsKey(prefix + "h." + layers + ".ln_1.weight")) {
            layers++;
        }
        int width = (int) Math.min(Integer.MAX_VALUE, wte.shape()[1]);
        Integer heads = HEADS.get(width);
        if (heads == null || layers == 0) {
            throw new MalformedDataException(
                    source,
                    -1,
                    "expected a config.json: without one only the models of generation A can be read, of width 480 or"
                            + " 760, found " + layers + " layers of width " + width);
        }
        long tokens = wte.shape()[0];
        long positions = wpe.shape()[0];
        if (tokens < 1 || tokens > Integer.MAX_VALUE || positions < 1 || positions > Integer.MAX_VALUE) {
            throw new MalformedDataException(source, -1, "has " + tokens + " tokens and " + positions + " positions");
        }
        var shape = new Gpt2Config((int) tokens, (int) positions, width, layers, heads, 1e-5f);
        return HfConfig.of(shape, wte.type());
    }

    private static TensorView matrix(String source, Map<String, TensorView> tensors, String name)
            throws MalformedDataException {
        TensorView tensor = tensors.get(name);
        if (tensor == null || tensor.shape().length != 2 || !tensor.type().isFloat()) {
            throw new MalformedDataException(
                    source, -1, "expected a config.json, or a tensor " + name + " of rank 2 and a float type");
        }
        return tensor;
    }
}
