package sn9.chain;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Optional;
import sn9.MalformedDataException;

/**
 * What a node reports of a submission that it watches (spec/chain.md 1). A courtesy: only the chain itself decides.
 *
 * @param block hash of the block that holds it, in {@link Kind#HELD} and {@link Kind#SETTLED}
 */
record SubmissionStatus(Kind kind, Optional<String> block) {
    enum Kind {
        /** It is in the pool, or a word that is not known here. */
        WAITING,
        /** A block holds it, which may be taken back. */
        HELD,
        /** That block was taken back. */
        RETRACTED,
        /** A block holds it for good, or for so long that the node has stopped to watch it. */
        SETTLED,
        /** The pool has dropped it. */
        GONE
    }

    /** Reads a status: a word, or an object of one word and what belongs to it. */
    static SubmissionStatus of(JsonNode status) throws ChainException {
        String name =
                status.isObject() && !status.isEmpty() ? status.fieldNames().next() : status.asText();
        Kind kind =
                switch (name) {
                    case "inBlock" -> Kind.HELD;
                    case "retracted" -> Kind.RETRACTED;
                    case "finalized", "finalityTimeout" -> Kind.SETTLED;
                    case "usurped", "dropped", "invalid" -> Kind.GONE;
                    default -> Kind.WAITING;
                };
        boolean isHeld = kind == Kind.HELD || kind == Kind.SETTLED;
        try {
            return new SubmissionStatus(
                    kind, isHeld ? Optional.of(Hex.hash(name, status.path(name))) : Optional.empty());
        } catch (MalformedDataException e) {
            throw new ChainException("status of an extrinsic: " + e.getMessage(), true, e);
        }
    }

    /** Whether nothing follows. */
    boolean isLast() {
        return kind == Kind.SETTLED || kind == Kind.GONE;
    }
}
