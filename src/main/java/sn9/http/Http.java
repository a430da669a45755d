package sn9.http;

import java.io.IOException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLPeerUnverifiedException;
import okhttp3.ConnectionPool;
import okhttp3.HttpUrl;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.MalformedDataException;
import sn9.RemoteCallException;
import sn9.Secret;

/**
 * The one HTTP client. Failed requests are repeated as {@link Retry} says; a host that answered 429 is left alone by all
 * requests until its pause is over. A token goes only to the host it was given for, and only over TLS or on this machine.
 * Safe to call from any thread; an interrupt ends a call that waits on a virtual thread or in a pause.
 */
public final class Http implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Http.class);

    private static final int MAX_REDIRECTS = 10;

    /** Longest wait for a connection. */
    private static final Duration CONNECT = Duration.ofSeconds(10);

    /** Servers end connections after a minute without a request; one that comes just then fails. */
    private static final Duration IDLE = Duration.ofSeconds(30);

    private static final int IDLE_CONNECTIONS = 8;

    private final OkHttpClient client;
    private final Retry retry;
    private final Map<Origin, Instant> held = new ConcurrentHashMap<>();

    /**
     * A client.
     *
     * @param silence longest time without a byte before a request is taken for failed
     * @param retry when and how often requests are repeated
     */
    public Http(Duration silence, Retry retry) {
        this.client = new OkHttpClient.Builder()
                .followRedirects(false)
                .followSslRedirects(false)
                .retryOnConnectionFailure(false)
                .connectionPool(new ConnectionPool(IDLE_CONNECTIONS, IDLE.toSeconds(), TimeUnit.SECONDS))
                .connectTimeout(CONNECT)
                .readTimeout(silence)
                .writeTimeout(silence)
                .build();
        this.retry = retry;
    }

    /** A client with usual patience: a minute of silence, {@link Retry#standard}. */
    public static Http standard() {
        return new Http(Duration.ofMinutes(1), Retry.standard());
    }

    /**
     * Sends a request and reads the answer whole, whatever its status.
     *
     * @param maxBytes refuse a longer body, uncompressed
     * @throws RemoteCallException when no answer came, after all repeats
     * @throws MalformedDataException when the body is longer
     */
    public HttpReply exchange(HttpRequest request, int maxBytes) throws IOException, InterruptedException {
        return repeating(request, response -> HttpReply.read(response, maxBytes));
    }

    /**
     * Sends a request and gives the answer with its body still to come. Only the time until then is under
     * {@link Retry}; whoever reads the body decides what a cut means.
     *
     * @throws RemoteCallException when no answer came, after all repeats
     */
    public HttpStream open(HttpRequest request) throws IOException, InterruptedException {
        return repeating(
                request,
                response -> new HttpStream(response, !response.request().url().equals(request.url())));
    }

    @Override
    public void close() {
        client.connectionPool().evictAll();
        client.dispatcher().executorService().shutdown();
    }

    private interface Reader<T> {
        T read(Response response) throws IOException;
    }

    private <T> T repeating(HttpRequest request, Reader<T> reader) throws IOException, InterruptedException {
        Origin origin = Origin.of(request.url());
        for (int failures = 0; ; failures++) {
            awaitRelease(origin);
            Duration wait;
            try {
                Response response = follow(request);
                int status = response.code();
                boolean again = failures < retry.times()
                        && Retry.isPassing(status)
                        && (request.isRepeatable() || status == 429);
                var pause = again
                        ? retry.afterAnswer(failures, new HttpHeaders(response.headers()))
                        : Optional.<Duration>empty();
                if (pause.isEmpty()) {
                    return reader.read(response);
                }
                response.close();
                wait = pause.get();
                if (status == 429) {
                    held.merge(origin, retry.clock().instant().plus(wait), (a, b) -> a.isAfter(b) ? a : b);
                }
                LOG.info("event=repeat request=\"{}\" status={} pause={}", request, status, wait);
            } catch (MalformedDataException | RemoteCallException e) {
                throw e;
            } catch (IOException e) {
                if (Thread.interrupted()) {
                    throw interrupted(request);
                }
                if (failures >= retry.times() || !mayRepeat(request, e)) {
                    throw new RemoteCallException(
                            request + ": " + described(e) + (failures == 0 ? "" : ", after " + failures + " repeats"),
                            !isForGood(e),
                            e);
                }
                wait = retry.afterFailure(failures);
                LOG.info("event=repeat request=\"{}\" reason=\"{}\" pause={}", request, described(e), wait);
            }
            retry.pause().sleep(wait);
        }
    }

    /** Waits while a host that answered 429 is to be left alone. */
    private void awaitRelease(Origin origin) throws InterruptedException {
        Instant until = held.get(origin);
        if (until == null) {
            return;
        }
        Instant now = retry.clock().instant();
        if (now.isBefore(until)) {
            retry.pause().sleep(Duration.between(now, until));
        }
        held.remove(origin, until);
    }

    /** Sends a request and follows where the answer points, as far as the request allows. */
    private Response follow(HttpRequest request) throws IOException, InterruptedException {
        HttpUrl url = request.url();
        for (int hops = 0; hops <= MAX_REDIRECTS; hops++) {
            Response response = send(request, url);
            HttpUrl next = redirect(request, response);
            if (next == null) {
                return response;
            }
            response.close();
            if (url.isHttps() && !Origin.of(next).isPrivate()) {
                throw new RemoteCallException(
                        request + ": redirected from https to " + Origin.shown(next) + ", which anybody could read",
                        false);
            }
            url = next;
        }
        throw new RemoteCallException(
                request + ": redirected more than " + MAX_REDIRECTS + " times, the last time to " + Origin.shown(url),
                false);
    }

    private Response send(HttpRequest request, HttpUrl url) throws IOException, InterruptedException {
        var builder = new Request.Builder()
                .url(url)
                .headers(request.headers())
                .header("User-Agent", UserAgent.TEXT)
                .method(request.method(), request.body().map(HttpBody::toOkHttp).orElse(null));
        if (request.token().isPresent() && Origin.of(url).equals(Origin.of(request.url()))) {
            builder.header(
                    "Authorization",
                    "Bearer " + revealed(request, request.token().get()));
        }
        if (Thread.interrupted()) {
            throw interrupted(request);
        }
        long start = System.nanoTime();
        var call = client.newCall(builder.build());
        if (!request.limit().isZero()) {
            call.timeout().timeout(request.limit().toNanos(), TimeUnit.NANOSECONDS);
        }
        Response response = call.execute();
        LOG.debug(
                "request=\"{} {}\" status={} ms={}",
                request.method(),
                Origin.shown(url),
                response.code(),
                (System.nanoTime() - start) / 1_000_000);
        return response;
    }

    private static String revealed(HttpRequest request, Secret token) throws RemoteCallException {
        if (!Origin.of(request.url()).isPrivate()) {
            throw new RemoteCallException(
                    request + ": a token is not sent over plain http; use an https address", false);
        }
        String text = token.reveal();
        if (!text.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
            throw new RemoteCallException(
                    request + ": the token holds blanks or characters that are not ASCII; copy it again", false);
        }
        return text;
    }

    /** Where to go on; null when the answer is the one to give back. */
    private static HttpUrl redirect(HttpRequest request, Response response) throws IOException {
        boolean reads = request.method().equals("GET") || request.method().equals("HEAD");
        String location = response.header("Location");
        if (!response.isRedirect() || !reads || location == null) {
            return null;
        }
        boolean relative = location.startsWith("/") && !location.startsWith("//");
        if (request.redirects() == HttpRequest.Redirects.NONE
                || request.redirects() == HttpRequest.Redirects.RELATIVE_ONLY && !relative) {
            return null;
        }
        HttpUrl next = response.request().url().resolve(location);
        if (next == null) {
            response.close();
            throw new RemoteCallException(request + ": redirected to what is no http or https address", false);
        }
        return next;
    }

    private static boolean mayRepeat(HttpRequest request, IOException failure) {
        boolean unsent = failure instanceof ConnectException || failure instanceof UnknownHostException;
        return !isForGood(failure) && (request.isRepeatable() || unsent);
    }

    /** Whether another try would fail alike: the other side cannot prove who it is. */
    private static boolean isForGood(IOException failure) {
        return failure instanceof SSLHandshakeException || failure instanceof SSLPeerUnverifiedException;
    }

    private static InterruptedException interrupted(HttpRequest request) {
        return new InterruptedException(request + " was interrupted");
    }

    private static String described(IOException failure) {
        String kind = failure.getClass().getSimpleName();
        return failure.getMessage() == null ? kind : kind + " " + failure.getMessage();
    }
}
