package sn9.data;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Pages on disk, within a quota: what was not read for longest goes first. A page is one file under the hash of its key,
 * zstd-packed, with key and checksum inside; it is renamed to its name when it is whole, and one that is damaged counts as
 * absent. So several processes may share a folder, and none can be hurt by what is in it: a full disk or a lost file only
 * means that a page is fetched again. Safe to use from any thread.
 */
public final class PageCache {
    private static final Logger LOG = LoggerFactory.getLogger(PageCache.class);

    private static final long MAGIC = 0x736e397061676531L; // sn9page1
    private static final String ENDING = ".page";
    private static final String TEMPORARY = ".tmp";

    /** Bytes of one page before packing, at most; more is not kept. */
    private static final int MAX_PAGE_BYTES = 64 << 20;

    private static final int HEADER_BYTES = Long.BYTES + 2 * Integer.BYTES;
    private static final int LEVEL = 1; // text at some 300 MB/s

    /** What is left after making room, so that it is not made at every page. */
    private static final double LEFT = 0.9;

    /** After so long a temporary file is one of a process that died. */
    private static final Duration STALE = Duration.ofHours(1);

    private final Path folder;
    private final long quotaBytes;
    private final AtomicLong used;

    /**
     * What lies in a cache.
     *
     * @param pages how many pages
     * @param bytes their size on disk
     */
    public record Usage(long pages, long bytes) {}

    private record Kept(Path file, long bytes, FileTime read) {}

    private PageCache(Path folder, long quotaBytes, long used) {
        this.folder = folder;
        this.quotaBytes = quotaBytes;
        this.used = new AtomicLong(used);
    }

    /**
     * Opens a cache, made if need be, and makes it fit its quota.
     *
     * @param quotaBytes most bytes of all its files
     */
    public static PageCache open(Path folder, long quotaBytes) throws IOException {
        Files.createDirectories(folder);
        var cache = new PageCache(folder, quotaBytes, 0);
        cache.makeRoom(quotaBytes);
        return cache;
    }

    /** A page as it was put, or empty: never put, gone, or damaged. */
    public Optional<List<String>> get(String key) {
        Path file = file(key);
        try {
            Optional<List<String>> page = unpacked(key, file);
            if (page.isEmpty()) {
                LOG.warn("page of \"{}\" in {} is damaged; it is deleted and will be fetched again", key, file);
                Files.deleteIfExists(file);
            } else {
                Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
            }
            return page;
        } catch (NoSuchFileException _) {
            return Optional.empty();
        } catch (IOException e) {
            LOG.warn("page of \"{}\" cannot be read from {}: {}", key, file, e.getMessage());
            return Optional.empty();
        }
    }

    /** Keeps a page; when that is not possible, says so in the log and goes on without. */
    public void put(String key, List<String> texts) {
        Optional<byte[]> packed = packed(key, texts);
        if (packed.isEmpty() || packed.get().length > quotaBytes) {
            return;
        }
        Path file = file(key);
        Path temporary = file.resolveSibling(UUID.randomUUID() + TEMPORARY);
        try {
            Files.createDirectories(file.getParent());
            try {
                Files.write(temporary, packed.get());
                Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(temporary);
            }
            if (used.addAndGet(packed.get().length) > quotaBytes) {
                makeRoom((long) (quotaBytes * LEFT));
            }
        } catch (IOException e) {
            LOG.warn(
                    "page of \"{}\" is not kept in {}: {} {}",
                    key,
                    folder,
                    e.getClass().getSimpleName(),
                    e.getMessage());
        }
    }

    /** Counts what is there now. */
    public Usage usage() throws IOException {
        List<Kept> kept = kept();
        return new Usage(kept.size(), kept.stream().mapToLong(Kept::bytes).sum());
    }

    /** Deletes all pages, and nothing else that may lie in the folder. */
    public void clear() throws IOException {
        makeRoom(0);
    }

    /** Most bytes of all files. */
    public long quotaBytes() {
        return quotaBytes;
    }

    /** Deletes what was not read for longest until so many bytes are left, as others may have put some, too. */
    private synchronized void makeRoom(long bytes) throws IOException {
        List<Kept> kept = new ArrayList<>(kept());
        kept.sort(Comparator.comparing(Kept::read));
        long sum = kept.stream().mapToLong(Kept::bytes).sum();
        for (Kept page : kept) {
            if (sum <= bytes) {
                break;
            }
            Files.deleteIfExists(page.file);
            sum -= page.bytes;
        }
        used.set(sum);
    }

    /** All pages; temporary files of processes that died are deleted on the way. */
    private List<Kept> kept() throws IOException {
        var kept = new ArrayList<Kept>();
        Instant stale = Instant.now().minus(STALE);
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                if (file.toString().endsWith(ENDING)) {
                    kept.add(new Kept(file, attributes.size(), attributes.lastModifiedTime()));
                } else if (file.toString().endsWith(TEMPORARY)
                        && attributes.lastModifiedTime().toInstant().isBefore(stale)) {
                    Files.deleteIfExists(file);
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) {
                return FileVisitResult.CONTINUE; // another process made room
            }
        });
        return kept;
    }

    private Path file(String key) {
        String hash = HexFormat.of().formatHex(sha256(key));
        return folder.resolve(hash.substring(0, 2)).resolve(hash + ENDING);
    }

    private static byte[] sha256(String key) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** Magic, size before packing, checksum, and packed: key, count and texts, each with its length before it. */
    private static Optional<byte[]> packed(String key, List<String> texts) {
        var parts = new ArrayList<byte[]>();
        parts.add(key.getBytes(StandardCharsets.UTF_8));
        texts.forEach(text -> parts.add(Rows.bytes(text)));
        long size =
                parts.stream().mapToLong(part -> Integer.BYTES + part.length).sum();
        if (size > MAX_PAGE_BYTES) {
            return Optional.empty();
        }
        ByteBuffer plain = ByteBuffer.allocate((int) size);
        parts.forEach(part -> plain.putInt(part.length).put(part));
        byte[] body = Zstd.compress(plain.array(), LEVEL);
        return Optional.of(ByteBuffer.allocate(HEADER_BYTES + body.length)
                .putLong(MAGIC)
                .putInt((int) size)
                .putInt(checksum(plain.array()))
                .put(body)
                .array());
    }

    private static Optional<List<String>> unpacked(String key, Path file) throws IOException {
        if (Files.size(file) > MAX_PAGE_BYTES) {
            return Optional.empty();
        }
        ByteBuffer packed = ByteBuffer.wrap(Files.readAllBytes(file));
        if (packed.remaining() < HEADER_BYTES || packed.getLong() != MAGIC) {
            return Optional.empty();
        }
        int size = packed.getInt();
        int checksum = packed.getInt();
        if (size < 0 || size > MAX_PAGE_BYTES) {
            return Optional.empty();
        }
        var body = new byte[packed.remaining()];
        packed.get(body);
        try {
            byte[] plain = Zstd.decompress(body, size);
            return plain.length == size && checksum(plain) == checksum ? texts(key, plain) : Optional.empty();
        } catch (ZstdException _) {
            return Optional.empty();
        }
    }

    private static Optional<List<String>> texts(String key, byte[] plain) {
        ByteBuffer in = ByteBuffer.wrap(plain);
        var texts = new ArrayList<String>();
        boolean keyRead = false;
        while (in.hasRemaining()) {
            int length = in.remaining() < Integer.BYTES ? -1 : in.getInt();
            if (length < 0 || length > in.remaining()) {
                return Optional.empty();
            }
            String text = new String(plain, in.position(), length, StandardCharsets.UTF_8);
            in.position(in.position() + length);
            if (keyRead) {
                texts.add(text);
            } else if (!text.equals(key)) {
                return Optional.empty();
            }
            keyRead = true;
        }
        return keyRead ? Optional.of(texts) : Optional.empty();
    }

    private static int checksum(byte[] bytes) {
        var crc = new CRC32C();
        crc.update(bytes);
        return (int) crc.getValue();
    }
}
