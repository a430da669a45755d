package sn9.hub;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.Secret;
import sn9.http.Http;
import sn9.http.HttpReply;
import sn9.http.HttpRequest;
import sn9.http.HttpStream;

/** Calls on one Hub with one token. Answers are bounded; what is no success becomes a {@link HubException}. */
public final class HubClient implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(HubClient.class);

    /** Of any answer that is no file: a page of 1000 files takes some 300 kB. */
    static final int MAX_ANSWER_BYTES = 16 << 20;

    /** Enough for the slowest call, a large commit. */
    private static final Duration LIMIT = Duration.ofMinutes(5);

    private final Http http;
    private final HubAddress address;
    private final Optional<Secret> token;
    private final boolean offline;
    private final Set<String> warned = ConcurrentHashMap.newKeySet();

    /** A client over {@code http}, which it closes. */
    public HubClient(Http http, HubSettings settings) {
        this.http = http;
        this.address = new HubAddress(settings.endpoint());
        this.token = settings.token();
        this.offline = settings.offline();
    }

    /** Where the calls go. */
    HubAddress address() {
        return address;
    }

    /** Whether no call may be made. */
    boolean offline() {
        return offline;
    }

    /** A call with the token; the answer is JSON. */
    JsonNode json(HttpRequest request) throws IOException, InterruptedException {
        return reply(request).json();
    }

    /** A call with the token, whose answer is a success. */
    HttpReply reply(HttpRequest request) throws IOException, InterruptedException {
        HttpReply reply = exchange(request.token(token));
        if (!reply.isSuccess()) {
            throw HubException.of(reply, token);
        }
        return reply;
    }

    /** A call with the token, whatever the answer. */
    HttpReply exchangeWithToken(HttpRequest request) throws IOException, InterruptedException {
        return exchange(request.token(token));
    }

    /** A call without the token: storage knows us by the address alone. A file takes as long as it takes. */
    HttpReply store(HttpRequest request) throws IOException, InterruptedException {
        checkOnline(request);
        return http.exchange(request, MAX_ANSWER_BYTES);
    }

    /** A file as it arrives. The token stays with the Hub when storage elsewhere answers. */
    HttpStream open(HttpRequest request) throws IOException, InterruptedException {
        checkOnline(request);
        return http.open(request.token(token).header("Accept-Encoding", "identity"));
    }

    /** What an answer that is no success says. */
    HubException failure(HttpReply reply) {
        return HubException.of(reply, token);
    }

    @Override
    public void close() {
        http.close();
    }

    private HttpReply exchange(HttpRequest request) throws IOException, InterruptedException {
        checkOnline(request);
        HttpReply reply = http.exchange(request.within(LIMIT), MAX_ANSWER_BYTES);
        for (String warning : reply.headers().values("X-HF-Warning")) {
            String text = HubException.plain(warning);
            if (warned.size() < 100 && warned.add(text.split(";", 2)[0])) {
                LOG.warn("event=hub_warning text=\"{}\"", text);
            }
        }
        return reply;
    }

    private void checkOnline(HttpRequest request) throws HubException {
        if (offline) {
            throw new HubException(request + ": HF_HUB_OFFLINE is set, and this is not in the cache");
        }
    }
}
