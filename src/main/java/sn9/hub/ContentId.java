package sn9.hub;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What the Hub calls a file's content: SHA-256 of a large one (LFS), git's blob SHA-1 of a small one.
 *
 * @param hex 64 or 40 lower-case hexadecimal digits
 */
record ContentId(String hex) {
    private static final Pattern HEX = Pattern.compile("[0-9a-f]{64}|[0-9a-f]{40}");
    private static final int BUFFER_BYTES = 1 << 17;

    /** Checks the form; throws {@link IllegalArgumentException} otherwise. */
    ContentId {
        if (!HEX.matcher(hex).matches()) {
            throw new IllegalArgumentException("\"" + HubException.plain(hex) + "\" is neither a SHA-256 nor a SHA-1");
        }
    }

    /** The content an ETag names: {@code W/} and quotes dropped; empty when it is of another kind. */
    static Optional<ContentId> ofEtag(String etag) {
        String text = etag.strip().replaceFirst("^W/", "").replaceAll("^\"|\"$", "");
        return HEX.matcher(text).matches() ? Optional.of(new ContentId(text)) : Optional.empty();
    }

    /** SHA-256 of a file. */
    static ContentId sha256(Path file) throws IOException, InterruptedException {
        return digest(file, MessageDigests.of("SHA-256"));
    }

    /** Git's name of a file: SHA-1 of a header with its length, and its bytes. */
    static ContentId gitSha1(Path file) throws IOException, InterruptedException {
        MessageDigest digest = MessageDigests.of("SHA-1");
        digest.update(("blob " + Files.size(file) + "\0").getBytes(StandardCharsets.US_ASCII));
        return digest(file, digest);
    }

    /** Whether this is the name of a large file. */
    boolean isSha256() {
        return hex.length() == 64;
    }

    /** Whether a file has this content. */
    boolean isOf(Path file) throws IOException, InterruptedException {
        return equals(isSha256() ? sha256(file) : gitSha1(file));
    }

    @Override
    public String toString() {
        return (isSha256() ? "sha256:" : "git:") + hex;
    }

    private static ContentId digest(Path file, MessageDigest digest) throws IOException, InterruptedException {
        byte[] buffer = new byte[BUFFER_BYTES];
        try (InputStream in = Files.newInputStream(file)) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                if (Thread.interrupted()) {
                    throw new InterruptedException("hashing " + file);
                }
                digest.update(buffer, 0, n);
            }
        }
        return new ContentId(HexFormat.of().formatHex(digest.digest()));
    }

    private static final class MessageDigests {
        private static MessageDigest of(String algorithm) {
            try {
                return MessageDigest.getInstance(algorithm);
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("this Java runtime lacks " + algorithm + ", which every one has", e);
            }
        }
    }
}
