package sn9.localnet.chain;

import java.util.Map;

/**
 * What a call weighs and whether it costs.
 *
 * @param dispatchClass {@code Normal}, {@code Operational} or {@code Mandatory}
 * @param refTime picoseconds that it is said to take
 * @param proofSize bytes that it is said to read
 * @param paysFee whether its sender pays
 */
record CallInfo(String dispatchClass, long refTime, long proofSize, boolean paysFee) {
    /** As a genuine runtime reported of a transfer. */
    private static final CallInfo USUAL = new CallInfo("Normal", 273_812_000, 3_593, true);

    private static final CallInfo WEIGHTS = new CallInfo("Normal", 123_813_157_000L, 0, false);

    /** Calls that neurons make all day are free (spec/chain.md 7). */
    private static final Map<String, CallInfo> FREE = Map.of(
            "Commitments.set_commitment",
            new CallInfo("Operational", 667_297_000, 0, false),
            "SubtensorModule.set_weights",
            WEIGHTS,
            "SubtensorModule.commit_weights",
            WEIGHTS,
            "SubtensorModule.reveal_weights",
            WEIGHTS,
            "SubtensorModule.serve_axon",
            new CallInfo("Normal", 33_000_000, 0, false),
            "Sudo.sudo",
            new CallInfo("Normal", 20_000_000, 0, false));

    /** Of a call by its name, {@code Pallet.call}. */
    static CallInfo of(String call) {
        return FREE.getOrDefault(call, USUAL);
    }

    /** What a sender pays, in rao: a rao each 2,000 picoseconds and one each byte, as the genuine chain takes. */
    long fee(int extrinsicBytes) {
        return paysFee ? refTime / 2_000 + extrinsicBytes : 0;
    }
}
