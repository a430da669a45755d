package sn9.http;

import java.time.Duration;
import java.util.Optional;
import okhttp3.Headers;
import okhttp3.HttpUrl;
import sn9.Secret;

/** One request, immutable; each method below gives a changed copy. Prints without query, token and body. */
public final class HttpRequest {
    /** Whether an answer that points elsewhere is followed; only a GET or HEAD ever is. */
    public enum Redirects {
        /** Follow; the token goes along only to the same scheme, host and port. */
        FOLLOW,
        /** Follow only a location without a host of its own, and give back any other. */
        RELATIVE_ONLY,
        /** Give the redirect back. */
        NONE
    }

    private final String method;
    private final HttpUrl url;
    private final Headers headers;
    private final HttpBody body;
    private final Secret token;
    private final boolean repeatable;
    private final Redirects redirects;
    private final Duration limit;

    private HttpRequest(
            String method,
            HttpUrl url,
            Headers headers,
            HttpBody body,
            Secret token,
            boolean repeatable,
            Redirects redirects,
            Duration limit) {
        this.method = method;
        this.url = url;
        this.headers = headers;
        this.body = body;
        this.token = token;
        this.repeatable = repeatable;
        this.redirects = redirects;
        this.limit = limit;
    }

    private static HttpRequest of(String method, String url, HttpBody body, boolean repeatable) {
        HttpUrl parsed = HttpUrl.parse(url);
        if (parsed == null) {
            throw new IllegalArgumentException("\"" + withoutQuery(url) + "\" is no http or https address");
        }
        return new HttpRequest(method, parsed, Headers.of(), body, null, repeatable, Redirects.FOLLOW, Duration.ZERO);
    }

    /** A GET. Each of these throws {@link IllegalArgumentException} for what is no http or https address. */
    public static HttpRequest get(String url) {
        return of("GET", url, null, true);
    }

    /** A HEAD. */
    public static HttpRequest head(String url) {
        return of("HEAD", url, null, true);
    }

    /** A PUT, which may be repeated. */
    public static HttpRequest put(String url, HttpBody body) {
        return of("PUT", url, body, true);
    }

    /** A POST, which is not repeated once the other side may have acted on it; see {@link #repeatable}. */
    public static HttpRequest post(String url, HttpBody body) {
        return of("POST", url, body, false);
    }

    /** With a header, in place of any of that name. */
    public HttpRequest header(String name, String value) {
        return new HttpRequest(
                method, url, headers.newBuilder().set(name, value).build(), body, token, repeatable, redirects, limit);
    }

    /** With {@code Authorization: Bearer}, when there is a token. */
    public HttpRequest token(Optional<Secret> bearer) {
        return new HttpRequest(method, url, headers, body, bearer.orElse(null), repeatable, redirects, limit);
    }

    /** To be sent again after any failure: doing it twice does no harm. */
    public HttpRequest repeatable() {
        return new HttpRequest(method, url, headers, body, token, true, redirects, limit);
    }

    /** With another treatment of redirects; {@link Redirects#FOLLOW} unless told. */
    public HttpRequest redirects(Redirects treatment) {
        return new HttpRequest(method, url, headers, body, token, repeatable, treatment, limit);
    }

    /** With a limit on the whole of one try, the answer's body included; without one only silence ends it. */
    public HttpRequest within(Duration time) {
        return new HttpRequest(method, url, headers, body, token, repeatable, redirects, time);
    }

    String method() {
        return method;
    }

    HttpUrl url() {
        return url;
    }

    Headers headers() {
        return headers;
    }

    Optional<HttpBody> body() {
        return Optional.ofNullable(body);
    }

    Optional<Secret> token() {
        return Optional.ofNullable(token);
    }

    boolean isRepeatable() {
        return repeatable;
    }

    Redirects redirects() {
        return redirects;
    }

    Duration limit() {
        return limit;
    }

    /** Method and address without query: signed addresses carry their secret there. */
    @Override
    public String toString() {
        return method + " " + Origin.shown(url);
    }

    private static String withoutQuery(String url) {
        int end = url.indexOf('?');
        return end < 0 ? url : url.substring(0, end);
    }
}
