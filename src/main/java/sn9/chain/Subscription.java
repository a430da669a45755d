package sn9.chain;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** The notifications of one subscription, in order, until the connection ends. */
final class Subscription {
    /** More waiting notifications than this mean that nobody reads them. */
    private static final int MAX_WAITING = 256;

    private final String id;
    private final BlockingQueue<Event> events = new LinkedBlockingQueue<>(MAX_WAITING);

    private sealed interface Event {}

    private record Notification(JsonNode result) implements Event {}

    private record Over(String reason) implements Event {}

    Subscription(String id) {
        this.id = id;
    }

    String id() {
        return id;
    }

    /** A notification came; the oldest is forgotten when nobody reads them. */
    void add(JsonNode result) {
        put(new Notification(result));
    }

    /** The connection is over. */
    void end(String reason) {
        put(new Over(reason));
    }

    private void put(Event event) {
        while (!events.offer(event)) {
            events.poll();
        }
    }

    /**
     * The next notification.
     *
     * @return empty when none came within the time
     * @throws ChainException when the connection is over
     */
    Optional<JsonNode> next(Duration timeout) throws ChainException, InterruptedException {
        Event event = events.poll(Math.max(0, timeout.toMillis()), TimeUnit.MILLISECONDS);
        return switch (event) {
            case Notification notification -> Optional.of(notification.result());
            case Over over -> {
                put(over);
                throw new ChainException("subscription " + id + ": " + over.reason(), true);
            }
            case null -> Optional.empty();
        };
    }
}
