package sn9.wallet;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.MalformedDataException;
import sn9.files.AtomicFiles;

/** Small files that only their owner may read. */
final class PrivateFiles {
    private static final Logger LOG = LoggerFactory.getLogger(PrivateFiles.class);

    /** Far above any keyfile. */
    private static final int MAX_BYTES = 1 << 16;

    private static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rw-------");
    private static final Set<PosixFilePermission> OWNER_FOLDER = PosixFilePermissions.fromString("rwx------");

    private PrivateFiles() {}

    /** A whole file, which the caller wipes when it holds a secret. */
    static byte[] read(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = channel.size();
            if (size > MAX_BYTES) {
                throw new MalformedDataException(
                        file.toString(), -1, "a keyfile has at most " + MAX_BYTES + " bytes, found " + size);
            }
            ByteBuffer bytes = ByteBuffer.allocate((int) size);
            while (bytes.hasRemaining() && channel.read(bytes) >= 0) {
                // A read may bring less than asked for.
            }
            return bytes.array();
        }
    }

    /** Says so once per read when others than the owner may read a secret. */
    static void warnWhenOthersCanRead(Path file) throws IOException {
        var permissions = Files.getPosixFilePermissions(file);
        if (!OWNER_ONLY.containsAll(permissions)) {
            LOG.warn(
                    "keyfile={} permissions={}: others may read this secret, chmod 600 it",
                    file,
                    PosixFilePermissions.toString(permissions));
        }
    }

    /**
     * Writes a file of mode 0600 whole or not at all, and the folders it needs of mode 0700.
     *
     * @throws FileAlreadyExistsException when it is there and {@code overwrite} is false
     */
    static void write(Path file, byte[] content, boolean overwrite) throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        Files.createDirectories(folder, PosixFilePermissions.asFileAttribute(OWNER_FOLDER));
        AtomicFiles.writePrivate(file, content, overwrite);
    }
}
