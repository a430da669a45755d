import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeSet;

/**
 * What a library carries for the GPU: code per compute capability, and PTX, which the driver translates for newer ones.
 * Layout: CUDA's fatbinary.h for the head; that of its parts is not published, kind, sizes and architecture are read.
 */
final class Fatbin {
    private static final int MAGIC = 0xBA55ED50;
    private static final int KIND_PTX = 1;

    private Fatbin() {}

    /** {@code compute_80} for PTX and {@code sm_80} for code, of all parts of the library. */
    static TreeSet<String> contents(Path library) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(library)).order(ByteOrder.LITTLE_ENDIAN);
        TreeSet<String> found = new TreeSet<>();
        for (int at = 0; at + 16 <= bytes.capacity(); at += 8) {
            if (bytes.getInt(at) != MAGIC) continue;
            int part = at + Short.toUnsignedInt(bytes.getShort(at + 6));
            long end = part + bytes.getLong(at + 8);
            while (part + 32 <= end && end <= bytes.capacity()) {
                String kind = bytes.getShort(part) == KIND_PTX ? "compute_" : "sm_";
                found.add(kind + bytes.getInt(part + 28));
                part += Math.toIntExact(bytes.getInt(part + 4) + bytes.getLong(part + 8));
            }
        }
        return found;
    }
}
