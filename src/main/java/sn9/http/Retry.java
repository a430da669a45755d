package sn9.http;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * When a failed request is sent again: after silence, a cut connection, or one of the statuses below, up to a number of
 * times, pausing longer each time or as long as the answer asks (spec/hub.md 3.5).
 *
 * @param times most repeats of one request
 * @param first pause before the first repeat; each later one is twice as long
 * @param longest most that pause grows to
 * @param patience longest pause an answer may ask for; one that asks for more is not repeated
 * @param pause how to wait
 * @param clock by which a pause that holds for all requests to one host is measured
 */
public record Retry(int times, Duration first, Duration longest, Duration patience, Pause pause, InstantSource clock) {
    private static final Set<Integer> STATUSES = Set.of(408, 429, 500, 502, 503, 504);

    /** {@code "api";r=0;t=55}: nothing remains until so many seconds have passed. */
    private static final Pattern EXHAUSTED = Pattern.compile("r=0\\b.*?\\bt=([0-9]{1,9})\\b");

    /** Waiting, which tests let pass at once. */
    public interface Pause {
        /** Returns after this long. */
        void sleep(Duration duration) throws InterruptedException;
    }

    /** Five repeats after 1, 2, 4, 8 and 8 seconds, or after what the answer asks for within six minutes. */
    public static Retry standard() {
        return new Retry(
                5, // the Hub counts requests in windows of five minutes
                Duration.ofSeconds(1),
                Duration.ofSeconds(8),
                Duration.ofMinutes(6),
                Thread::sleep,
                InstantSource.system());
    }

    /** Whether a status speaks of a passing trouble. */
    public static boolean isPassing(int status) {
        return STATUSES.contains(status);
    }

    /** The pause before a repeat, {@code failures} of them having gone before. */
    Duration afterFailure(int failures) {
        Duration doubled = first.multipliedBy(1L << Math.min(failures, 20));
        return doubled.compareTo(longest) > 0 ? longest : doubled;
    }

    /** The pause before a repeat when an answer came; empty when it asks for more patience than there is. */
    Optional<Duration> afterAnswer(int failures, HttpHeaders headers) {
        Duration asked = asked(headers).orElse(Duration.ZERO);
        if (asked.compareTo(patience) > 0) {
            return Optional.empty();
        }
        Duration own = afterFailure(failures);
        return Optional.of(asked.compareTo(own) > 0 ? asked : own);
    }

    /** What an answer asks for, a second added since the other side counts whole ones. */
    static Optional<Duration> asked(HttpHeaders headers) {
        var limit = headers.value("RateLimit").map(EXHAUSTED::matcher);
        if (limit.isPresent() && limit.get().find()) {
            return Optional.of(Duration.ofSeconds(Long.parseLong(limit.get().group(1)) + 1));
        }
        var seconds = headers.number("Retry-After");
        if (seconds.isPresent()) {
            return Optional.of(Duration.ofSeconds(Math.min(seconds.getAsLong(), Integer.MAX_VALUE) + 1));
        }
        return headers.value("Retry-After").flatMap(Retry::date).flatMap(until -> headers.value("Date")
                .flatMap(Retry::date)
                .map(now -> Duration.between(now, until).plusSeconds(1)));
    }

    /** An HTTP date. It is compared to the answer's own {@code Date}, never to this machine's clock, which may be off. */
    private static Optional<Instant> date(String text) {
        try {
            return Optional.of(ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME)
                    .toInstant());
        } catch (DateTimeException e) {
            return Optional.empty();
        }
    }
}
