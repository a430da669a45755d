package sn9.chain;

import java.util.Locale;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The node answered with a JSON-RPC error. A refusal by the transaction pool has a code from 1010 on (spec/chain.md 1);
 * its text is for people, the code and the custom number decide.
 */
final class RpcErrorException extends ChainException {
    private static final long serialVersionUID = 1L;

    /** Invalid transaction: it will not become valid, but for a custom limit that runs out. */
    static final int INVALID = 1010;

    /** The pool knows this very transaction. */
    static final int ALREADY_IMPORTED = 1013;

    private static final int TEMPORARILY_BANNED = 1012;
    private static final int TOO_LOW_PRIORITY = 1014;
    private static final int IMMEDIATELY_DROPPED = 1016;

    private static final Pattern CUSTOM = Pattern.compile("(?i)\"?custom(?: error)?\"?\\s*:\\s*(\\d{1,3})");

    private final int code;
    private final String text;

    RpcErrorException(String call, int code, String text) {
        super(
                call + ": " + describe(code, text),
                isPassing(code) || custom(text).orElse(-1) == PoolRefusal.RATE_LIMIT);
        this.code = code;
        this.text = text;
    }

    int code() {
        return code;
    }

    /** The number of a custom refusal of the Subtensor extension, if it is one. */
    OptionalInt custom() {
        return custom(text);
    }

    /** Whether the nonce is used up: this very transaction, or another of the same sender, is included already. */
    boolean isStale() {
        String lower = text.toLowerCase(Locale.ROOT);
        return code == INVALID && (lower.contains("outdated") || lower.contains("stale"));
    }

    private static boolean isPassing(int code) {
        return code == TEMPORARILY_BANNED || code == TOO_LOW_PRIORITY || code == IMMEDIATELY_DROPPED;
    }

    private static OptionalInt custom(String text) {
        Matcher custom = CUSTOM.matcher(text);
        return custom.find() ? OptionalInt.of(Integer.parseInt(custom.group(1))) : OptionalInt.empty();
    }

    private static String describe(int code, String text) {
        var custom = code == INVALID ? custom(text) : OptionalInt.empty();
        return "the node answered error " + code + " (" + text + ")"
                + (custom.isPresent() ? ": " + PoolRefusal.describe(custom.getAsInt()) : "");
    }
}
