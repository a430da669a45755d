package sn9.localnet.hub;

import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import sn9.localnet.LoopbackServer;

/**
 * Addresses of storage: who has one may use it for its method until it expires, without a token. They are signed with a
 * key in the file {@code hub/.key}, so they outlive the server and hold at all servers of one folder.
 */
final class SignedAddresses {
    /** How long an address holds. */
    static final Duration LIFETIME = Duration.ofHours(24);

    private static final String ALGORITHM = "HmacSHA256";
    private static final int KEY_BYTES = 32;

    private final SecretKeySpec key;
    private final InstantSource clock;

    private SignedAddresses(byte[] key, InstantSource clock) {
        this.key = new SecretKeySpec(key, ALGORITHM);
        this.clock = clock;
    }

    /** Reads the key, making one where there is none. */
    static SignedAddresses open(HubFolder hub, InstantSource clock) throws IOException {
        Path file = hub.root().resolve(".key");
        if (!Files.exists(file)) {
            byte[] fresh = new byte[KEY_BYTES];
            new SecureRandom().nextBytes(fresh);
            Path temporary = Files.createTempFile(hub.root(), ".key", ".tmp");
            try {
                Files.write(temporary, fresh);
                Files.createLink(file, temporary); // of two servers that begin at once, the first one's stays
            } catch (FileAlreadyExistsException e) {
                // The other one's key serves us both.
            } finally {
                Files.delete(temporary);
            }
        }
        byte[] key = Files.readAllBytes(file);
        if (key.length != KEY_BYTES) {
            throw new IOException(file + " has " + key.length + " bytes, expected " + KEY_BYTES
                    + "; delete it, and uploads under way begin anew");
        }
        return new SignedAddresses(key, clock);
    }

    /**
     * The address of a path, at the other name of this machine than that by which the request came: as with the genuine
     * Hub, storage is another host, to which clients send no token and which some of them ask nothing but content.
     *
     * @param path with a slash first, in characters that need no escape
     */
    String sign(Context request, String method, String path) {
        long expires = clock.instant().plus(LIFETIME).getEpochSecond();
        return storage(request) + path + "?expires=" + expires + "&signature=" + signature(method, path, expires);
    }

    /**
     * Checks that a request came by a signed address that still holds. Who may GET may ask for the HEAD.
     *
     * @throws HubRefusal 403
     */
    void check(Context request) throws HubRefusal {
        String expires = request.queryParam("expires");
        String signature = request.queryParam("signature");
        if (expires == null || signature == null || !expires.matches("[0-9]{1,12}")) {
            throw new HubRefusal(403, "Missing signature");
        }
        long until = Long.parseLong(expires);
        String method =
                request.method() == HandlerType.HEAD ? "GET" : request.method().name();
        String expected = signature(method, request.path(), until);
        if (!MessageDigest.isEqual(
                expected.getBytes(StandardCharsets.US_ASCII), signature.getBytes(StandardCharsets.UTF_8))) {
            throw new HubRefusal(403, "Invalid signature");
        }
        if (clock.instant().isAfter(Instant.ofEpochSecond(until))) {
            throw new HubRefusal(403, "Request has expired");
        }
    }

    /** Scheme, host and port by which a request came: of a proxy, where there is one. */
    static String origin(Context request) {
        return request.scheme() + "://" + request.host();
    }

    private static String storage(Context request) {
        String[] host = request.host().split(":", 2);
        String other = host[0].equals(LoopbackServer.HOST) ? LoopbackServer.NAME : LoopbackServer.HOST;
        return request.scheme() + "://" + other + (host.length > 1 ? ":" + host[1] : "");
    }

    private String signature(String method, String path, long expires) {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(key);
            return HexFormat.of()
                    .formatHex(mac.doFinal((method + " " + path + " " + expires).getBytes(StandardCharsets.UTF_8)));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this Java runtime lacks " + ALGORITHM + ", which every one must have", e);
        }
    }
}
