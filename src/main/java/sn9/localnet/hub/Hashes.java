package sn9.localnet.hub;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Pattern;

/** The hashes of the Hub's protocol: SHA-256 of large files, git's SHA-1 of small ones and of pointers to large ones. */
final class Hashes {
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
    private static final int BUFFER_BYTES = 64 << 10;

    private Hashes() {}

    /** Whether a text has the form of a SHA-256. */
    static boolean isSha256(String text) {
        return SHA256.matcher(text).matches();
    }

    /** A new SHA-256. */
    static MessageDigest sha256() {
        return digest("SHA-256");
    }

    /** A new SHA-1. */
    static MessageDigest sha1() {
        return digest("SHA-1");
    }

    /** SHA-256 of a text's UTF-8 bytes, in hexadecimal. */
    static String sha256(String text) {
        return HexFormat.of().formatHex(sha256().digest(text.getBytes(StandardCharsets.UTF_8)));
    }

    /** Git's name of a file's content: SHA-1 over {@code blob SIZE\0} and the bytes, in hexadecimal. */
    static String gitBlob(byte[] content) {
        MessageDigest digest = blobDigest(content.length);
        return HexFormat.of().formatHex(digest.digest(content));
    }

    /** As {@link #gitBlob(byte[])}, of a file. */
    static String gitBlob(Path file, long bytes) throws IOException {
        MessageDigest digest = blobDigest(bytes);
        byte[] buffer = new byte[BUFFER_BYTES];
        try (InputStream in = Files.newInputStream(file)) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                digest.update(buffer, 0, n);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static MessageDigest blobDigest(long bytes) {
        MessageDigest digest = sha1();
        digest.update(("blob " + bytes + "\0").getBytes(StandardCharsets.US_ASCII));
        return digest;
    }

    private static MessageDigest digest(String algorithm) {
        try {
            return MessageDigest.getInstance(algorithm);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this Java runtime lacks " + algorithm + ", which every one must have", e);
        }
    }
}
