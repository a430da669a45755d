package sn9.validator;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Files by the SHA-256 of their bytes, each once on the disk however many models hold it: a model's file is a hard link to
 * the one here. The file system counts the links, so what no model links to is found without a list that could be wrong,
 * and whoever reads a file keeps it until done. Where there are no hard links nothing is shared.
 */
final class BlobFolder {
    private static final Logger LOG = LoggerFactory.getLogger(BlobFolder.class);

    private static final int BUFFER_BYTES = 1 << 17;

    private final Path folder;

    BlobFolder(Path folder) {
        this.folder = folder;
    }

    /** Whether a content is here, as far as its size tells. */
    boolean holds(String sha256, long bytes) throws IOException {
        Path blob = blob(sha256);
        return Files.isRegularFile(blob, LinkOption.NOFOLLOW_LINKS) && Files.size(blob) == bytes;
    }

    /**
     * Makes a content appear at a place, when it is here and its bytes still are what they were.
     *
     * @return false when it has to be fetched
     */
    boolean take(String sha256, Path target) throws IOException {
        Path blob = blob(sha256);
        try {
            Files.createLink(target, blob);
        } catch (NoSuchFileException e) {
            return false;
        } catch (UnsupportedOperationException | FileSystemException e) {
            LOG.debug("no link to {}", blob, e);
            return false;
        }
        if (Files.isRegularFile(target, LinkOption.NOFOLLOW_LINKS)
                && sha256(target).equals(sha256)) {
            return true;
        }
        LOG.warn("event=blob_damaged blob={} its bytes have changed, fetching them again", blob);
        Files.deleteIfExists(target);
        Files.deleteIfExists(blob);
        return false;
    }

    /** Shares a model's file: it becomes a link to its content here, or its content comes here. */
    void share(Path file) throws IOException {
        Files.createDirectories(folder);
        Path blob = blob(sha256(file));
        try {
            Files.createLink(blob, file);
        } catch (FileAlreadyExistsException e) {
            replace(file, blob);
        } catch (UnsupportedOperationException | FileSystemException e) {
            LOG.debug("{} is not shared", file, e);
        }
    }

    private static void replace(Path file, Path blob) throws IOException {
        if (Files.isSameFile(file, blob) || Files.size(file) != Files.size(blob)) {
            return;
        }
        Path link = file.resolveSibling("." + UUID.randomUUID() + ".tmp");
        try {
            Files.createLink(link, blob);
            Files.move(link, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (NoSuchFileException e) {
            LOG.debug("{} was swept just now", blob, e);
        } finally {
            Files.deleteIfExists(link);
        }
    }

    /** Deletes every content that no model holds. */
    void sweep() throws IOException {
        if (!Files.isDirectory(folder)) {
            return;
        }
        try (var blobs = Files.newDirectoryStream(folder)) {
            for (Path blob : blobs) {
                if (Files.getAttribute(blob, "unix:nlink") instanceof Integer links && links == 1) {
                    Files.deleteIfExists(blob);
                }
            }
        }
    }

    private Path blob(String sha256) {
        if (!sha256.matches("[0-9a-f]{64}")) {
            throw new IllegalArgumentException("\"" + sha256 + "\" is no SHA-256");
        }
        return folder.resolve(sha256);
    }

    private static String sha256(Path file) throws IOException {
        byte[] buffer = new byte[BUFFER_BYTES];
        try (InputStream in = Files.newInputStream(file)) {
            var digest = MessageDigest.getInstance("SHA-256");
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                digest.update(buffer, 0, n);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this Java runtime lacks SHA-256, which every one must have", e);
        }
    }
}
