package sn9.http;

import java.io.InputStream;
import okhttp3.Response;

/** An answer whose body is read as it arrives; a cut connection ends reading in an {@code IOException}. Must be closed. */
public final class HttpStream implements AutoCloseable {
    private final Response response;
    private final boolean redirected;

    HttpStream(Response response, boolean redirected) {
        this.response = response;
        this.redirected = redirected;
    }

    /** The status code. */
    public int status() {
        return response.code();
    }

    /** The headers of the answer. */
    public HttpHeaders headers() {
        return new HttpHeaders(response.headers());
    }

    /** Address that answered, without query. */
    public String source() {
        return Origin.shown(response.request().url());
    }

    /** Whether another address answered than the one asked: a redirect was followed. */
    public boolean isRedirected() {
        return redirected;
    }

    /** The body as it arrives; reading fails when it ends early. */
    public InputStream body() {
        return response.body().byteStream();
    }

    @Override
    public void close() {
        response.close();
    }
}
