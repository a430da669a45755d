package sn9.chain;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the nodes of a chain have said of its latest block: which of them is behind the others or stands still, and whether
 * this machine's clock agrees with the blocks. By the time of day nothing is decided, only warned of: extrinsics live by block
 * numbers, and patience by the monotonic clock. Any thread may use it.
 */
final class Heads {
    private static final Logger LOG = LoggerFactory.getLogger(Heads.class);

    /** A node this many blocks behind what another has answered is left for the next. */
    static final long MAX_LAG = 6;

    /** A block that nobody has come near for as long was a lie, or of a fork that is gone. */
    static final Duration UNCONFIRMED = Duration.ofMinutes(10);

    /** A node without a new block for as long is left for the next; fifteen blocks at 12 seconds. */
    static final Duration STANDSTILL = Duration.ofMinutes(3);

    /** Blocks are stamped when they are begun; further apart from this clock, something is wrong. */
    static final Duration TOLERANCE = Duration.ofMinutes(2);

    /** Time between two looks at the stamp, on one connection. */
    private static final Duration LOOKS = Duration.ofMinutes(10);

    private final InstantSource clock;
    private final LongSupplier nanoTime;
    private long highest;
    private long confirmed; // when a node was last near the highest block
    private String endpoint = ""; // of the latest answer
    private long number; // and its block
    private long since; // when that block was first seen there
    private Optional<Object> looked = Optional.empty(); // connection whose stamp was looked at
    private long lookedAt;

    /**
     * Nothing is known yet.
     *
     * @param clock the time of day
     * @param nanoTime a monotonic clock, in nanoseconds
     */
    Heads(InstantSource clock, LongSupplier nanoTime) {
        this.clock = clock;
        this.nanoTime = nanoTime;
    }

    /** What is wrong with a node whose latest block is this one, compared with what was seen before. */
    synchronized Optional<String> objection(String node, long block) {
        long now = nanoTime.getAsLong();
        if (block + MAX_LAG < highest) {
            if (now - confirmed <= UNCONFIRMED.toNanos()) {
                return Optional.of(
                        node + " lags behind: it is at block " + block + ", block " + highest + " was seen before");
            }
            LOG.warn("event=chain_head_forgotten block={} endpoint={} head={}", highest, node, block);
            highest = block;
        }
        highest = Math.max(highest, block);
        confirmed = now;
        if (!node.equals(endpoint) || block != number) {
            endpoint = node;
            number = block;
            since = now;
        }
        if (now - since <= STANDSTILL.toNanos()) {
            return Optional.empty();
        }
        long seconds = Duration.ofNanos(now - since).toSeconds();
        since = now;
        return Optional.of(node + " stands still: for " + seconds + " s it has had no block after " + block);
    }

    /** Whether it is time to {@link #compare}: once per connection, and again from time to time. */
    synchronized boolean wantsStamp(Object connection) {
        long now = nanoTime.getAsLong();
        if (looked.isPresent() && looked.get() == connection && now - lookedAt <= LOOKS.toNanos()) {
            return false;
        }
        looked = Optional.of(connection);
        lookedAt = now;
        return true;
    }

    /** Warns when a node's latest block bears a time far from this machine's. */
    void compare(String node, long block, Instant stamp) {
        var age = Duration.between(stamp, clock.instant());
        if (age.abs().compareTo(TOLERANCE) > 0) {
            LOG.warn(
                    "event=chain_clock endpoint={} block={} stamped={} seconds_ago={}: {}",
                    node,
                    block,
                    stamp,
                    age.toSeconds(),
                    age.isNegative()
                            ? "this machine's clock is slow; set it"
                            : "this machine's clock is fast, or the chain or the node stands still");
        }
    }
}
