package sn9.http;

import okhttp3.HttpUrl;

/**
 * Who answers an address: a token belongs to one of these.
 *
 * @param scheme http or https
 * @param host name or address, lower case
 * @param port as given or the scheme's own
 */
record Origin(String scheme, String host, int port) {
    static Origin of(HttpUrl url) {
        return new Origin(url.scheme(), url.host(), url.port());
    }

    /** Whether what is sent there can be read by nobody on the way: over TLS, or on this very machine. */
    boolean isPrivate() {
        return scheme.equals("https") || isLoopback();
    }

    private boolean isLoopback() {
        return host.equals("localhost") || host.equals("::1") || host.matches("127(\\.[0-9]{1,3}){3}");
    }

    /** An address for people: without user, password, query and fragment. */
    static String shown(HttpUrl url) {
        return url.newBuilder()
                .username("")
                .password("")
                .query(null)
                .fragment(null)
                .build()
                .toString();
    }
}
