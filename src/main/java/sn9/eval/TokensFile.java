package sn9.eval;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import sn9.MalformedDataException;
import sn9.checkpoint.Safetensors;
import sn9.data.Batch;
import sn9.tensor.ElementType;
import sn9.tensor.TensorView;

/**
 * Token sequences in a safetensors file (DESIGN 5): an integer tensor {@code tokens} or {@code input_ids} of shape (N, T);
 * targets are the inputs shifted inside a row unless a tensor {@code targets} is there.
 */
public final class TokensFile {
    private static final long MAX_TOKENS = 1L << 28;

    private TokensFile() {}

    /**
     * The file's sequences, in order, in batches of at most {@code batchSize}.
     *
     * @throws MalformedDataException when it has no such tensor, or values outside of 0 to 2^31 - 1
     */
    public static List<Batch> read(Path file, int batchSize) throws IOException {
        try (Safetensors tensors = Safetensors.open(file)) {
            TensorView tokens =
                    tensors.tensors().containsKey("tokens") ? tensors.tensor("tokens") : tensors.tensor("input_ids");
            long[] shape = tokens.shape();
            if (shape.length != 2 || shape[0] < 1 || shape[1] < 1 || shape[0] > MAX_TOKENS / shape[1]) {
                throw new MalformedDataException(
                        file.toString(),
                        -1,
                        tokens + " is expected to be (N, T) with at most " + MAX_TOKENS + " tokens");
            }
            int N = (int) shape[0];
            int T = (int) shape[1];
            int[] ids = integers(file, tokens, 0);
            TensorView given = tensors.tensors().get("targets");
            if (given != null && !Arrays.equals(given.shape(), shape)) {
                throw new MalformedDataException(file.toString(), -1, given + " has another shape than " + tokens);
            }
            int[] targets = given == null ? null : integers(file, given, Batch.IGNORED);
            List<Batch> batches = new ArrayList<>();
            for (int from = 0; from < N; from += batchSize) {
                int to = Math.min(N, from + batchSize);
                int[] rows = Arrays.copyOfRange(ids, from * T, to * T);
                batches.add(
                        targets == null
                                ? Batch.shifted(to - from, T, rows)
                                : new Batch(to - from, T, rows, Arrays.copyOfRange(targets, from * T, to * T)));
            }
            return batches;
        }
    }

    private static int[] integers(Path file, TensorView tensor, int least) throws MalformedDataException {
        if (tensor.type() != ElementType.I64 && tensor.type() != ElementType.I32) {
            throw new MalformedDataException(file.toString(), -1, tensor + " is expected to be I32 or I64");
        }
        var values = new int[(int) tensor.elements()];
        for (int i = 0; i < values.length; i++) {
            long value = tensor.type() == ElementType.I64
                    ? tensor.data().get(ValueLayout.JAVA_LONG_UNALIGNED, 8L * i)
                    : tensor.data().get(ValueLayout.JAVA_INT_UNALIGNED, 4L * i);
            if (value < least || value > Integer.MAX_VALUE) {
                throw new MalformedDataException(
                        file.toString(),
                        -1,
                        tensor.name() + "[" + i + "] is " + value + ", expected " + least + " to " + Integer.MAX_VALUE);
            }
            values[i] = (int) value;
        }
        return values;
    }
}
