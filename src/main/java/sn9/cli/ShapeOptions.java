package sn9.cli;

import picocli.CommandLine.Option;
import sn9.model.Gpt2Config;

/** The shape of a model that is made rather than read. */
public final class ShapeOptions {
    @Option(
            names = "--n_layer",
            paramLabel = "L",
            defaultValue = "12",
            description = "Layers. Default: ${DEFAULT-VALUE}")
    private int layers;

    @Option(
            names = "--n_head",
            paramLabel = "NH",
            defaultValue = "12",
            description = "Attention heads; divides --n_embd. Default: ${DEFAULT-VALUE}")
    private int heads;

    @Option(
            names = "--n_embd",
            paramLabel = "C",
            defaultValue = "768",
            description = "Width. Default: ${DEFAULT-VALUE}")
    private int width;

    @Option(
            names = "--vocab_size",
            paramLabel = "V",
            defaultValue = "50257",
            description = "Tokens. Default: ${DEFAULT-VALUE}")
    private int vocabulary;

    /** The shape, with positions for sequences of T tokens. */
    Gpt2Config config(int T) {
        return new Gpt2Config(vocabulary, Math.max(Gpt2Config.POSITIONS, T), width, layers, heads, 1e-5f);
    }
}
