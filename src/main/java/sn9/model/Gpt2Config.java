package sn9.model;

/**
 * The shape of a GPT-2. Field names are those of Hugging Face's {@code config.json}.
 *
 * @param vocabSize V, number of tokens
 * @param nPositions longest sequence (P)
 * @param nEmbd C, channels
 * @param nLayer L, layers
 * @param nHead NH, attention heads; divides C
 * @param layerNormEpsilon added to the variance inside the root
 */
public record Gpt2Config(int vocabSize, int nPositions, int nEmbd, int nLayer, int nHead, float layerNormEpsilon) {
    /** GPT-2's own vocabulary: 50,256 byte-pair tokens and the end-of-text token. */
    public static final int VOCAB_SIZE = 50257;

    public static final int POSITIONS = 1024;

    /** Checks the sizes; throws {@link IllegalArgumentException} with both values. */
    public Gpt2Config {
        positive("vocab_size", vocabSize);
        positive("n_positions", nPositions);
        positive("n_embd", nEmbd);
        positive("n_layer", nLayer);
        positive("n_head", nHead);
        if (nEmbd % nHead != 0) {
            throw new IllegalArgumentException("n_embd is " + nEmbd + ", not a multiple of n_head " + nHead);
        }
        if (!(layerNormEpsilon > 0) || Float.isInfinite(layerNormEpsilon)) {
            throw new IllegalArgumentException(
                    "layer_norm_epsilon is " + layerNormEpsilon + ", expected a small positive number");
        }
    }

    /** A GPT-2 with the usual vocabulary, 1,024 positions and epsilon 1e-5. */
    public static Gpt2Config of(int nLayer, int nHead, int nEmbd) {
        return new Gpt2Config(VOCAB_SIZE, POSITIONS, nEmbd, nLayer, nHead, 1e-5f);
    }

    /** HS, the width of one head: C / NH. */
    public int headSize() {
        return nEmbd / nHead;
    }

    /** P, the number of parameters with the head tied to the token embedding, which counts once. */
    public long parameterCount() {
        long C = nEmbd;
        return (long) vocabSize * C + (long) nPositions * C + nLayer * (12 * C * C + 13 * C) + 2 * C;
    }

    private static void positive(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " is " + value + ", expected 1 or more");
        }
    }
}
