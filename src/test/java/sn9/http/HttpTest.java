package sn9.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.zip.GZIPOutputStream;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.SocketEffect;
import okhttp3.Headers;
import okio.Buffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import sn9.MalformedDataException;
import sn9.RemoteCallException;
import sn9.Secret;
import sn9.http.HttpRequest.Redirects;

/** The client against a scripted server: what is sent, what is repeated and when, and what is refused. */
class HttpTest {
    private static final Optional<Secret> TOKEN = Optional.of(new Secret("hf_secretvalue"));

    private final MockWebServer server = new MockWebServer();
    private final MockWebServer elsewhere = new MockWebServer();
    private final List<Duration> pauses = new ArrayList<>();
    private final AtomicReference<Instant> now = new AtomicReference<>(Instant.parse("2026-01-01T00:00:00Z"));
    private final Http http = new Http(
            Duration.ofSeconds(10),
            new Retry(3, Duration.ofSeconds(1), Duration.ofSeconds(8), Duration.ofMinutes(6), this::pause, now::get));

    @TempDir
    private Path folder;

    private void pause(Duration duration) {
        pauses.add(duration);
        now.updateAndGet(instant -> instant.plus(duration));
    }

    @BeforeEach
    void start() throws IOException {
        server.start();
        elsewhere.start();
    }

    @AfterEach
    void stop() {
        http.close();
        server.close();
        elsewhere.close();
    }

    @Test
    void sendsWhatItIsToldAndNamesItself() throws Exception {
        server.enqueue(new MockResponse(200, Headers.of("X-Answer", "yes"), "{\"a\":1}"));
        var reply = http.exchange(
                HttpRequest.post(url("/api?x=1"), HttpBody.of("text/plain", "hello".getBytes(StandardCharsets.UTF_8)))
                        .header("X-Extra", "1")
                        .token(TOKEN),
                1000);
        var sent = server.takeRequest();
        assertThat(sent.getRequestLine()).isEqualTo("POST /api?x=1 HTTP/1.1");
        assertThat(sent.getHeaders().get("Authorization")).isEqualTo("Bearer hf_secretvalue");
        assertThat(sent.getHeaders().get("User-Agent")).startsWith("sn9/").contains("; java/");
        assertThat(sent.getHeaders().get("X-Extra")).isEqualTo("1");
        assertThat(sent.getBody().utf8()).isEqualTo("hello");
        assertThat(reply.json().path("a").asInt()).isEqualTo(1);
        assertThat(reply.headers().value("x-answer")).contains("yes");
    }

    @ParameterizedTest
    @ValueSource(ints = {408, 429, 500, 502, 503, 504})
    void repeatsWhatMayPass(int status) throws Exception {
        server.enqueue(status(status));
        server.enqueue(new MockResponse(200, Headers.of(), "whole"));
        assertThat(http.exchange(HttpRequest.get(url("/")), 10).text()).isEqualTo("whole");
        assertThat(pauses).containsExactly(Duration.ofSeconds(1));
    }

    @ParameterizedTest
    @ValueSource(ints = {400, 401, 403, 404, 409, 412, 413, 422, 501})
    void givesBackAtOnceWhatWillNotPass(int status) throws Exception {
        server.enqueue(status(status));
        assertThat(http.exchange(HttpRequest.get(url("/")), 10).status()).isEqualTo(status);
        assertThat(pauses).isEmpty();
        assertThat(server.getRequestCount()).isEqualTo(1);
    }

    @Test
    void pausesLongerEachTimeAndGivesUp() throws Exception {
        for (int i = 0; i < 4; i++) {
            server.enqueue(status(503));
        }
        assertThat(http.exchange(HttpRequest.get(url("/")), 10).status()).isEqualTo(503);
        assertThat(pauses).containsExactly(Duration.ofSeconds(1), Duration.ofSeconds(2), Duration.ofSeconds(4));
        assertThat(server.getRequestCount()).isEqualTo(4);
    }

    @Test
    void waitsAsLongAsItIsAskedTo() throws Exception {
        server.enqueue(new MockResponse(429, Headers.of("Retry-After", "30"), ""));
        server.enqueue(new MockResponse(429, Headers.of("RateLimit", "\"api\";r=0;t=55"), ""));
        server.enqueue(status(200));
        assertThat(http.exchange(HttpRequest.get(url("/")), 10).status()).isEqualTo(200);
        assertThat(pauses).containsExactly(Duration.ofSeconds(31), Duration.ofSeconds(56));
    }

    @Test
    void aDateToWaitForIsMeasuredByTheServersClock() throws Exception {
        server.enqueue(new MockResponse(
                503,
                Headers.of("Date", "Wed, 21 Oct 2015 07:28:00 GMT", "Retry-After", "Wed, 21 Oct 2015 07:28:20 GMT"),
                ""));
        server.enqueue(status(200));
        http.exchange(HttpRequest.get(url("/")), 10);
        assertThat(pauses).containsExactly(Duration.ofSeconds(21));
    }

    @Test
    void aWaitBeyondPatienceIsNotWaited() throws Exception {
        server.enqueue(new MockResponse(429, Headers.of("Retry-After", "86400"), ""));
        assertThat(http.exchange(HttpRequest.get(url("/")), 10).status()).isEqualTo(429);
        assertThat(pauses).isEmpty();
    }

    @Test
    void aHostThatHadEnoughIsLeftAloneByOtherRequestsToo() throws Exception {
        server.enqueue(new MockResponse(429, Headers.of("Retry-After", "30"), ""));
        server.enqueue(status(200));
        server.enqueue(status(200));
        var slow = new Http(
                Duration.ofSeconds(10),
                new Retry(
                        1,
                        Duration.ofSeconds(1),
                        Duration.ofSeconds(8),
                        Duration.ofMinutes(6),
                        duration -> {
                            pauses.add(duration);
                            throw new InterruptedException();
                        },
                        now::get));
        try (slow) {
            assertThatThrownBy(() -> slow.exchange(HttpRequest.get(url("/")), 10))
                    .isInstanceOf(InterruptedException.class);
            assertThatThrownBy(() -> slow.exchange(HttpRequest.get(url("/other")), 10))
                    .isInstanceOf(InterruptedException.class);
        }
        assertThat(pauses).containsExactly(Duration.ofSeconds(31), Duration.ofSeconds(31));
        assertThat(server.getRequestCount()).isEqualTo(1);
    }

    @Test
    void aPostIsNotRepeatedOnceItMayHaveBeenHeard() throws Exception {
        server.enqueue(status(500));
        var post = HttpRequest.post(url("/"), HttpBody.empty());
        assertThat(http.exchange(post, 10).status()).isEqualTo(500);
        server.enqueue(new MockResponse.Builder()
                .onResponseStart(SocketEffect.ShutdownConnection.INSTANCE)
                .build());
        assertThatThrownBy(() -> http.exchange(post, 10))
                .asInstanceOf(type(RemoteCallException.class))
                .returns(true, RemoteCallException::retryable);
        assertThat(server.getRequestCount()).isEqualTo(2);
        server.enqueue(status(500));
        server.enqueue(status(200));
        assertThat(http.exchange(post.repeatable(), 10).status()).isEqualTo(200);
    }

    @Test
    void aBodyCutShortIsReadAgain() throws Exception {
        server.enqueue(new MockResponse.Builder()
                .body("0123456789".repeat(1000))
                .onResponseBody(SocketEffect.ShutdownConnection.INSTANCE)
                .build());
        server.enqueue(new MockResponse(200, Headers.of(), "whole"));
        assertThat(http.exchange(HttpRequest.get(url("/")), 100_000).text()).isEqualTo("whole");
    }

    @Test
    void boundsTheBodyBeforeAndWhileReading() {
        server.enqueue(new MockResponse(200, Headers.of(), "0123456789"));
        assertThatThrownBy(() -> http.exchange(HttpRequest.get(url("/a")), 9))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("at most 9 bytes, found 10");
        server.enqueue(new MockResponse.Builder().chunkedBody("0123456789", 3).build());
        assertThatThrownBy(() -> http.exchange(HttpRequest.get(url("/b")), 9))
                .isInstanceOf(MalformedDataException.class)
                .hasMessageContaining("found more");
        assertThat(pauses).isEmpty();
    }

    @Test
    void aCompressedBombIsCutOffAtTheBound() throws Exception {
        var packed = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(packed)) {
            for (int i = 0; i < 64; i++) {
                gzip.write(new byte[1 << 20]);
            }
        }
        server.enqueue(new MockResponse.Builder()
                .addHeader("Content-Encoding", "gzip")
                .body(new Buffer().write(packed.toByteArray()))
                .build());
        assertThat(packed.size()).isLessThan(100_000);
        assertThatThrownBy(() -> http.exchange(HttpRequest.get(url("/")), 100_000))
                .isInstanceOf(MalformedDataException.class);
    }

    @Test
    void aRedirectToAnotherHostLosesTheToken() throws Exception {
        server.enqueue(redirect(elsewhere.url("/signed?Signature=x").toString()));
        elsewhere.enqueue(redirect(url("/back")));
        server.enqueue(new MockResponse(200, Headers.of(), "ok"));
        try (var answer = http.open(HttpRequest.get(url("/file")).token(TOKEN))) {
            assertThat(answer.isRedirected()).isTrue();
            assertThat(answer.body().readAllBytes()).asString().isEqualTo("ok");
        }
        assertThat(server.takeRequest().getHeaders().get("Authorization")).isNotNull();
        assertThat(elsewhere.takeRequest().getHeaders().get("Authorization")).isNull();
        assertThat(server.takeRequest().getHeaders().get("Authorization")).isNotNull();
    }

    @Test
    void onlyRelativeRedirectsAreFollowedWhereToldSo() throws Exception {
        server.enqueue(redirect("/renamed"));
        server.enqueue(redirect(elsewhere.url("/storage").toString()));
        var head = HttpRequest.head(url("/file")).redirects(Redirects.RELATIVE_ONLY);
        assertThat(http.exchange(head, 0).status()).isEqualTo(302);
        assertThat(elsewhere.getRequestCount()).isZero();
        server.enqueue(redirect("//" + elsewhere.getHostName() + "/storage"));
        assertThat(http.exchange(head, 0).status()).isEqualTo(302);
    }

    @Test
    void aPostIsNeverCarriedElsewhere() throws Exception {
        server.enqueue(redirect(elsewhere.url("/").toString()));
        var post = HttpRequest.post(url("/"), HttpBody.empty()).token(TOKEN);
        assertThat(http.exchange(post, 10).status()).isEqualTo(302);
        assertThat(elsewhere.getRequestCount()).isZero();
    }

    @Test
    void endsALoopOfRedirects() {
        for (int i = 0; i < 20; i++) {
            server.enqueue(redirect("/again?secret=1"));
        }
        assertThatThrownBy(() -> http.exchange(HttpRequest.get(url("/")), 10))
                .hasMessageContaining("redirected more than 10 times")
                .hasMessageNotContaining("secret")
                .asInstanceOf(type(RemoteCallException.class))
                .returns(false, RemoteCallException::retryable);
    }

    @Test
    void aTokenNeverTravelsInTheClear() {
        assertThatThrownBy(() -> http.exchange(
                        HttpRequest.get("http://huggingface.invalid/api/whoami-v2")
                                .token(TOKEN),
                        10))
                .isInstanceOf(RemoteCallException.class)
                .hasMessageContaining("not sent over plain http");
    }

    @Test
    void aTokenThatWouldBreakTheHeaderIsNotQuoted() {
        assertThatThrownBy(() ->
                        http.exchange(HttpRequest.get(url("/")).token(Optional.of(new Secret("hf_\nInjected: 1"))), 10))
                .isInstanceOf(RemoteCallException.class)
                .hasMessageNotContaining("Injected");
    }

    @Test
    void sendsARangeOfAFileAndTellsHowFarItIs() throws Exception {
        Path file = folder.resolve("data");
        byte[] bytes = new byte[1 << 20];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (i * 31 >> 3);
        }
        Files.write(file, bytes);
        server.enqueue(status(500));
        server.enqueue(status(200));
        var sent = new long[1];
        http.exchange(HttpRequest.put(url("/"), HttpBody.file(file, 1000, 900_000, n -> sent[0] += n)), 10);
        server.takeRequest();
        var repeated = server.takeRequest();
        assertThat(repeated.getHeaders().get("Content-Length")).isEqualTo("900000");
        assertThat(repeated.getBody().toByteArray()).isEqualTo(java.util.Arrays.copyOfRange(bytes, 1000, 901_000));
        assertThat(sent[0]).isEqualTo(900_000);
    }

    @Test
    void aFileThatShrankEndsTheRequest() throws Exception {
        Path file = Files.write(folder.resolve("data"), new byte[10]);
        assertThatThrownBy(() -> http.exchange(HttpRequest.put(url("/"), HttpBody.file(file, 0, 11, n -> {})), 10))
                .isInstanceOf(RemoteCallException.class)
                .hasMessageContaining("ends at byte 10, expected 11");
    }

    @Test
    void aBlockedCallEndsWithItsThread() throws Exception {
        server.enqueue(new MockResponse.Builder()
                .onResponseStart(SocketEffect.Stall.INSTANCE)
                .build());
        var end = new AtomicReference<Throwable>();
        var thread = Thread.startVirtualThread(() -> {
            try {
                http.exchange(HttpRequest.get(url("/")), 10);
            } catch (IOException | InterruptedException e) {
                end.set(e);
            }
        });
        server.takeRequest();
        thread.interrupt();
        thread.join(Duration.ofSeconds(5));
        assertThat(end.get()).isInstanceOf(InterruptedException.class);
    }

    @Test
    void messagesLeaveOutWhatAddressesHide() {
        assertThat(HttpRequest.get("https://user:pw@host/path?Signature=abc#f")).hasToString("GET https://host/path");
        assertThatThrownBy(() -> HttpRequest.get("ftp://host/x?Signature=abc"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageNotContaining("abc");
    }

    private static MockResponse status(int code) {
        return new MockResponse.Builder().code(code).build();
    }

    private String url(String path) {
        return server.url(path).toString();
    }

    private static MockResponse redirect(String location) {
        return new MockResponse(302, Headers.of("Location", location), "");
    }
}
