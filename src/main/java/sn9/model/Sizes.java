package sn9.model;

import sn9.engine.Padding;

/**
 * The sizes of a model in memory beside its true ones. What lies beyond the true sizes is zero in parameters, activations
 * and gradients, and counts nowhere.
 *
 * @param L layers
 * @param C channels in memory
 * @param trueC channels
 * @param NH heads
 * @param HS head size in memory
 * @param trueHS head size
 * @param F width of the MLP in memory
 * @param V words in memory
 * @param trueV words
 * @param P positions
 */
public record Sizes(int L, int C, int trueC, int NH, int HS, int trueHS, int F, int V, int trueV, int P) {
    /** The sizes of a model with a library's padding. */
    public static Sizes of(Gpt2Config config, Padding padding) {
        return new Sizes(
                config.nLayer(),
                padded(config.nEmbd(), padding.channels()),
                config.nEmbd(),
                config.nHead(),
                padded(config.headSize(), padding.head()),
                config.headSize(),
                padded(4 * config.nEmbd(), padding.channels()),
                padded(config.vocabSize(), padding.vocabulary()),
                config.vocabSize(),
                config.nPositions());
    }

    /** A, the width of all heads side by side in memory. */
    public int A() {
        return NH * HS;
    }

    /** What attention scores are multiplied with: 1 / sqrt(true head size). */
    float attentionScale() {
        return (float) (1 / Math.sqrt(trueHS));
    }

    private static int padded(int size, int multiple) {
        return Math.ceilDiv(size, multiple) * multiple;
    }
}
