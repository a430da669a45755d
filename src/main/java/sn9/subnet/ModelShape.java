package sn9.subnet;

/**
 * The shape of a GPT-2 as the rules see it.
 *
 * @param layers number of blocks (L)
 * @param heads attention heads of a block (NH)
 * @param width channels (C)
 * @param positions longest sequence
 * @param vocabSize tokens of the vocabulary (V)
 */
public record ModelShape(int layers, int heads, int width, int positions, int vocabSize) {
    /** Parameters with the head tied to the token embedding, which counts once (spec section 0). */
    public long parameterCount() {
        long C = width;
        return (long) vocabSize * C + (long) positions * C + layers * (12 * C * C + 13 * C) + 2 * C;
    }

    @Override
    public String toString() {
        return layers + " layers, " + heads + " heads, width " + width + ", " + positions + " positions, vocabulary "
                + vocabSize;
    }
}
