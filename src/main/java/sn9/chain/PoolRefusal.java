package sn9.chain;

import java.util.Map;

/**
 * What the Subtensor extension has against a transaction, by its number (opentensor/subtensor:
 * common/src/transaction_error.rs).
 */
final class PoolRefusal {
    /** Too soon after the last one of its kind. */
    static final int RATE_LIMIT = 6;

    private static final Map<Integer, String> REASONS = Map.ofEntries(
            Map.entry(0, "the coldkey is being swapped"),
            Map.entry(1, "the stake is too low"),
            Map.entry(2, "the balance is too low"),
            Map.entry(3, "there is no such subnet"),
            Map.entry(4, "the hotkey has no account"),
            Map.entry(5, "there is not enough stake"),
            Map.entry(RATE_LIMIT, "the rate limit still runs"),
            Map.entry(7, "there is too little liquidity"),
            Map.entry(8, "the price slipped too far"),
            Map.entry(9, "transfers are not allowed"),
            Map.entry(10, "the hotkey is not registered on this subnet"),
            Map.entry(11, "the IP address is not public"),
            Map.entry(12, "the rate limit of serving still runs"),
            Map.entry(13, "the port is not valid"),
            Map.entry(14, "the greatest amount is zero"),
            Map.entry(15, "the round of the reveal is wrong"),
            Map.entry(16, "there is no such commit of weights"),
            Map.entry(17, "it is outside the time of the reveal"),
            Map.entry(18, "uids and weights differ in number"),
            Map.entry(19, "there is no such uid"),
            Map.entry(20, "the rate limit of EVM keys still runs"),
            Map.entry(21, "the swap of the coldkey is disputed"),
            Map.entry(25, "the coldkey does not own the hotkey"),
            Map.entry(26, "the take is too low"),
            Map.entry(27, "the take is too high"),
            Map.entry(255, "bad request"));

    private PoolRefusal() {}

    /** A reason in words. */
    static String describe(int number) {
        return REASONS.getOrDefault(number, "a reason of number " + number);
    }
}
