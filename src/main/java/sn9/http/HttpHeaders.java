package sn9.http;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeSet;
import okhttp3.Headers;

/** Headers of an answer; names are compared without regard to case. Prints as the names only: values may be secret. */
public final class HttpHeaders {
    private final Headers headers;

    HttpHeaders(Headers headers) {
        this.headers = headers;
    }

    /** Headers from names and values in turn. */
    public static HttpHeaders of(String... namesAndValues) {
        return new HttpHeaders(Headers.of(namesAndValues));
    }

    /** The last value of a header, blanks around it dropped; empty when the header is missing or blank. */
    public Optional<String> value(String name) {
        return Optional.ofNullable(headers.get(name)).map(String::strip).filter(value -> !value.isEmpty());
    }

    /** All values of a header, in order. */
    public List<String> values(String name) {
        return headers.values(name);
    }

    /** A header that is a whole number from 0 up; empty when it is missing or anything else. */
    public OptionalLong number(String name) {
        return value(name)
                .filter(value -> value.matches("[0-9]{1,18}"))
                .map(value -> OptionalLong.of(Long.parseLong(value)))
                .orElseGet(OptionalLong::empty);
    }

    @Override
    public String toString() {
        return new TreeSet<>(headers.names()).toString();
    }
}
