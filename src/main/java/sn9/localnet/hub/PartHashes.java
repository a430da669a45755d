package sn9.localnet.hub;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * The hash of a file whose parts arrive in any order, several at once: each part is hashed as soon as all before it are
 * there, by one of the threads that bring parts, while the others go on. Nothing of it is on disk; after a restart the
 * whole file is hashed at the end.
 */
final class PartHashes {
    private static final int BUFFER_BYTES = 256 << 10;

    /** Most parts that one which has just come is kept waiting for: two catch up with what others left. */
    private static final int PARTS_A_TURN = 2;

    private final Path file;
    private final long bytes;
    private final long partBytes;
    private final int parts;
    private final MessageDigest digest = Hashes.sha256(); // whoever has set busy uses it
    private final BitSet stored = new BitSet();
    private final List<String> checks = new ArrayList<>(); // of the parts in the digest
    private boolean busy;
    private boolean stale; // what is in the digest, or on its way there, was written anew
    private boolean closed;
    private int writers;

    /**
     * Of a file on its way.
     *
     * @param file where the parts are
     * @param bytes of all of them
     * @param partBytes of each but the last
     */
    PartHashes(Path file, long bytes, long partBytes) {
        this.file = file;
        this.bytes = bytes;
        this.partBytes = partBytes;
        this.parts = count(bytes, partBytes);
    }

    /** What the file holds, part by part and as a whole. */
    record Result(List<String> checks, String sha256) {}

    /** How many parts a file has. */
    static int count(long bytes, long partBytes) {
        return Math.toIntExact(Math.ceilDiv(bytes, partBytes));
    }

    /** The check of a part's bytes: their CRC-32C in hexadecimal. */
    static String check(CRC32C crc) {
        return HexFormat.of().toHexDigits((int) crc.getValue());
    }

    /**
     * A part, from 0, is about to be written, perhaps anew.
     *
     * @throws HubRefusal 404 when the file was taken as whole
     */
    synchronized void begin(int part) throws HubRefusal {
        if (closed) {
            throw PartUploads.ended();
        }
        writers++;
        forget(part);
    }

    /**
     * The writing of a part has ended.
     *
     * @param whole whether it is all there
     */
    void end(int part, boolean whole) throws IOException {
        synchronized (this) {
            writers--;
            forget(part);
            stored.set(part, whole);
        }
        if (whole) {
            advance(PARTS_A_TURN);
        }
    }

    /**
     * Hashes what is left, taking all parts to be there. No part is written any more, unless this is reopened.
     *
     * @throws HubRefusal 503 while a part is still being written
     */
    Result finish() throws IOException, InterruptedException {
        synchronized (this) {
            if (writers == 0) {
                closed = true;
                stored.set(0, parts);
            }
        }
        while (true) {
            advance(parts);
            synchronized (this) {
                if (!closed) {
                    throw new HubRefusal(503, "a part is still being written, try again");
                }
                while (busy) {
                    wait();
                }
                if (!stale && checks.size() == parts) {
                    return new Result(List.copyOf(checks), HexFormat.of().formatHex(copyOfDigest()));
                }
            }
        }
    }

    private byte[] copyOfDigest() {
        try {
            return ((MessageDigest) digest.clone()).digest();
        } catch (CloneNotSupportedException e) {
            throw new IllegalStateException("this Java runtime's SHA-256 cannot be copied, which every one must", e);
        }
    }

    /** Lets parts be written again. */
    synchronized void reopen() {
        closed = false;
    }

    private void forget(int part) {
        stored.clear(part);
        stale |= part < checks.size() || busy && part == checks.size();
    }

    /** Hashes at most that many parts, unless another thread is at it. */
    private void advance(int most) throws IOException {
        for (int i = 0; i < most && claim(); i++) {
            String check = null;
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
                check = hashPart(channel);
            } finally {
                release(check);
            }
        }
    }

    /** Takes the digest for the next part, if that is there and nobody else has the digest. */
    private synchronized boolean claim() {
        if (busy) {
            return false;
        }
        if (stale) {
            digest.reset();
            checks.clear();
            stale = false;
        }
        busy = stored.get(checks.size());
        return busy;
    }

    /** Gives the digest back with a part more in it, or spoiled when there is no check. */
    private synchronized void release(String check) {
        busy = false;
        checks.add(check);
        stale |= check == null;
        notifyAll();
    }

    private String hashPart(FileChannel channel) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
        long from = checks.size() * partBytes;
        long to = Math.min(from + partBytes, bytes);
        var crc = new CRC32C();
        while (from < to) {
            buffer.clear().limit((int) Math.min(buffer.capacity(), to - from));
            int n = channel.read(buffer, from);
            if (n < 0) {
                break; // a part that never came: its check will not fit
            }
            digest.update(buffer.array(), 0, n);
            crc.update(buffer.array(), 0, n);
            from += n;
        }
        return check(crc);
    }
}
