package sn9.chain;

import java.util.List;
import java.util.Optional;
import sn9.chain.scale.RuntimeEvents.Event;

/** What became of a submitted extrinsic. */
sealed interface Fate {
    /**
     * It stands in a block.
     *
     * @param blockHash of that block
     * @param block its number
     * @param events those it caused
     * @param error name of the dispatch error; empty when it did what it was for, or when the block is so old that nodes
     *     have discarded its events: then only what the chain holds tells
     */
    record Included(String blockHash, long block, List<Event> events, Optional<String> error) implements Fate {}

    /** It is in no block and cannot come into one any more; it may be signed anew. */
    record Dead(String reason) implements Fate {}

    /** It may still be included: it must not be signed anew. */
    record Open(String reason) implements Fate {}

    /**
     * The block, when the extrinsic did what it was for.
     *
     * @throws RefusedException when it did nothing and never will
     * @throws ChainException retryable, when it is still open
     */
    default Included included(String call) throws ChainException {
        return switch (this) {
            case Included included when included.error().isEmpty() -> included;
            case Included included ->
                throw new RefusedException(
                        call + ": the chain refused in block " + included.block() + ": "
                                + included.error().get(),
                        false);
            case Dead dead -> throw new RefusedException(call + " was not included: " + dead.reason(), true);
            case Open open -> throw new ChainException(call + " is still under way: " + open.reason(), true);
        };
    }
}
