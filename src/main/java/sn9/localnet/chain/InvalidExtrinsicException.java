package sn9.localnet.chain;

/** An extrinsic was refused before it came into a block; the code and texts are those of Substrate's pool (spec/chain.md 1). */
public final class InvalidExtrinsicException extends Exception {
    private static final long serialVersionUID = 1L;

    private final int code;
    private final String data;

    private InvalidExtrinsicException(int code, String message, String data) {
        super(message);
        this.code = code;
        this.data = data;
    }

    /** It is none: the bytes cannot be read. */
    static InvalidExtrinsicException unreadable(String reason) {
        return new InvalidExtrinsicException(1002, "Verification Error: Runtime error: " + reason, reason);
    }

    /** It may not be included, for a reason that Substrate has a text for. */
    static InvalidExtrinsicException invalid(String reason) {
        return new InvalidExtrinsicException(1010, "Invalid Transaction", reason);
    }

    /** It may not be included, for a reason of Subtensor's own (opentensor/subtensor:common/src/transaction_error.rs). */
    static InvalidExtrinsicException custom(int number) {
        return invalid("Custom error: " + number);
    }

    /** It waits already. */
    static InvalidExtrinsicException known(String hash) {
        return new InvalidExtrinsicException(1013, "Transaction is already imported", hash);
    }

    /** Another of the same account and nonce waits already. */
    static InvalidExtrinsicException replaced() {
        return new InvalidExtrinsicException(
                1014,
                "Priority is too low: (0 vs 0)",
                "The transaction has too low priority to replace another transaction already in the pool.");
    }

    /** There is no room for more that wait. */
    static InvalidExtrinsicException dropped() {
        return new InvalidExtrinsicException(
                1016, "Immediately Dropped", "The transaction couldn't enter the pool because of the limit");
    }

    /** The JSON-RPC error code. */
    public int code() {
        return code;
    }

    /** What stands beside the message in the JSON-RPC error. */
    public String data() {
        return data;
    }
}
