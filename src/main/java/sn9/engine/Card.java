package sn9.engine;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** GPUs that a plan can be made for. The order is that of native/plan, which knows what the kernels ask of a card. */
public enum Card {
    /** H100 SXM, 80 GB: 81,559 MiB. */
    H100(81_559),
    /** A100 SXM, 80 GB: 81,920 MiB. */
    A100(81_920),
    /** GeForce RTX 4090, 24 GB: 24,564 MiB. */
    RTX_4090(24_564);

    private final long mebibytes;

    Card(long mebibytes) {
        this.mebibytes = mebibytes;
    }

    /** Its memory in bytes, as nvidia-smi reports it. */
    public long memoryBytes() {
        return mebibytes << 20;
    }

    /** The name on the command line: {@code h100}, {@code a100}, {@code 4090}. */
    @Override
    public String toString() {
        return name().replace("RTX_", "").toLowerCase(Locale.ROOT);
    }

    /**
     * The card of a name.
     *
     * @throws IllegalArgumentException when there is none; the message lists all
     */
    public static Card of(String name) {
        return Arrays.stream(values())
                .filter(card -> card.toString().equalsIgnoreCase(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no card " + name + " is known, expected one of "
                        + Arrays.stream(values()).map(Card::toString).collect(Collectors.joining(", "))));
    }
}
