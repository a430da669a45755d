package sn9.localnet.rpc;

/**
 * How the embedded chain behaves as a server.
 *
 * @param instant whether each extrinsic gets a block at once, beside those that follow the clock
 * @param finalityLag blocks by which the final block is behind the latest
 */
public record ChainSettings(boolean instant, int finalityLag) {
    /** Blocks by the clock, final two blocks later. */
    public static final ChainSettings USUAL = new ChainSettings(false, 2);

    /** A block for every extrinsic, final at once: nobody waits for the clock. */
    public static final ChainSettings AT_ONCE = new ChainSettings(true, 0);

    /** Checks the lag. */
    public ChainSettings {
        if (finalityLag < 0 || finalityLag > 1_000) {
            throw new IllegalArgumentException("finality lag is " + finalityLag + ", expected 0 to 1000 blocks");
        }
    }
}
