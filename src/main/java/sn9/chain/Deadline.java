package sn9.chain;

import java.time.Duration;

/**
 * The end of somebody's patience, by the monotonic clock: setting the time of day does not move it.
 *
 * @param nanos by {@link System#nanoTime}
 */
record Deadline(long nanos) {
    /** So much time from now. */
    static Deadline in(Duration time) {
        return new Deadline(System.nanoTime() + time.toNanos());
    }

    /** The time that is left; zero once it is over. */
    Duration left() {
        return Duration.ofNanos(Math.max(0, nanos - System.nanoTime()));
    }

    boolean isOver() {
        return nanos - System.nanoTime() <= 0;
    }

    /** The sooner of this and so much time from now. */
    Deadline orIn(Duration time) {
        var other = in(time);
        return other.nanos - nanos < 0 ? other : this;
    }
}
