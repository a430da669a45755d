package sn9.subnet;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * The content hash of a model directory (spec B.5): base64(SHA-256(base64 hashes of its files, joined)). The files of a
 * directory come first, by name in order of code points, then its subdirectories likewise. Names do not enter the hash.
 */
public final class DirectoryHash {
    private static final int BUFFER_BYTES = 1 << 17;

    /** Order of names: by code point, which differs from {@link String#compareTo} above U+FFFF. */
    private static final Comparator<String> BY_CODE_POINT =
            (a, b) -> Arrays.compare(a.codePoints().toArray(), b.codePoints().toArray());

    private DirectoryHash() {}

    /**
     * Hashes everything below a directory. Links to files are followed, links to directories are not.
     *
     * @throws IOException when a file cannot be read or is neither a regular file nor a directory
     */
    public static String of(Path directory) throws IOException {
        MessageDigest digest = sha256();
        addTree(digest, directory);
        return base64(digest);
    }

    /**
     * Hashes only the listed files, in the order of the walk, so that other files of the directory do not enter.
     *
     * @param files paths relative to the directory, with forward slashes, distinct
     * @throws IOException when one of them is missing, cannot be read or is not a regular file
     */
    public static String of(Path directory, Collection<String> files) throws IOException {
        MessageDigest digest = sha256();
        for (String file : files.stream().sorted(DirectoryHash::walkOrder).toList()) {
            Path path = directory.resolve(file).normalize();
            if (!path.startsWith(directory.normalize())) {
                throw new IllegalArgumentException("file \"" + file + "\" leads out of " + directory);
            }
            addFile(digest, path);
        }
        return base64(digest);
    }

    /** The hash of one file's content: base64(SHA-256(content)), 44 characters. */
    public static String ofFile(Path file) throws IOException {
        MessageDigest digest = sha256();
        byte[] buffer = new byte[BUFFER_BYTES];
        try (InputStream in = Files.newInputStream(file)) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                digest.update(buffer, 0, n);
            }
        }
        return base64(digest);
    }

    private static void addTree(MessageDigest digest, Path directory) throws IOException {
        List<Path> entries;
        try (Stream<Path> list = Files.list(directory)) {
            entries = list.sorted(Comparator.comparing(p -> p.getFileName().toString(), BY_CODE_POINT))
                    .toList();
        }
        List<Path> subdirectories = new ArrayList<>();
        for (Path entry : entries) {
            if (Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
                subdirectories.add(entry);
            } else if (!Files.isDirectory(entry)) {
                addFile(digest, entry);
            }
        }
        for (Path subdirectory : subdirectories) {
            addTree(digest, subdirectory);
        }
    }

    private static void addFile(MessageDigest digest, Path file) throws IOException {
        if (Files.exists(file) && !Files.isRegularFile(file)) {
            throw new IOException(file + " is not a regular file; a model directory holds only files and directories");
        }
        digest.update(ofFile(file).getBytes(StandardCharsets.US_ASCII));
    }

    /** At the first differing step a file comes before a directory; two of a kind compare by name. */
    private static int walkOrder(String a, String b) {
        String[] left = a.split("/");
        String[] right = b.split("/");
        for (int i = 0; i < Math.min(left.length, right.length); i++) {
            boolean leftIsFile = i == left.length - 1;
            boolean rightIsFile = i == right.length - 1;
            if (leftIsFile != rightIsFile) {
                return leftIsFile ? -1 : 1;
            }
            int order = BY_CODE_POINT.compare(left[i], right[i]);
            if (order != 0) {
                return order;
            }
        }
        return 0;
    }

    private static String base64(MessageDigest digest) {
        return Base64.getEncoder().encodeToString(digest.digest());
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this Java runtime lacks SHA-256, which every one must have", e);
        }
    }
}
