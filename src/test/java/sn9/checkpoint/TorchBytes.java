package sn9.checkpoint;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import sn9.MalformedDataException;

/** Files of torch.save made by hand, opcode by opcode, so that each can be wrong in one place. */
final class TorchBytes {
    private final ByteArrayOutputStream pickle = new ByteArrayOutputStream();

    private TorchBytes() {}

    /** A pickle of protocol 2, nothing but its head so far. */
    static TorchBytes pickle() {
        return new TorchBytes().raw(0x80, 2);
    }

    /** Opcodes or their arguments as they are. */
    TorchBytes raw(int... bytes) {
        for (int b : bytes) {
            pickle.write(b);
        }
        return this;
    }

    /** Opcodes that are letters. */
    TorchBytes ops(String letters) {
        letters.chars().forEach(pickle::write);
        return this;
    }

    TorchBytes text(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return ops("X").little(bytes.length).bytes(bytes);
    }

    TorchBytes number(long number) {
        return raw(0x8a, 8)
                .bytes(ByteBuffer.allocate(8)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(number)
                        .array());
    }

    TorchBytes global(String module, String name) {
        return ops("c" + module + "\n" + name + "\n");
    }

    TorchBytes numbers(long... numbers) {
        ops("(");
        for (long number : numbers) {
            number(number);
        }
        return ops("t");
    }

    /** The persistent id of a storage, and what it stands for. */
    TorchBytes storage(String type, String key, long elements) {
        return ops("(").text("storage")
                .global("torch", type)
                .text(key)
                .text("cpu")
                .number(elements)
                .ops("tQ");
    }

    /** A tensor of a float storage. */
    TorchBytes tensor(String key, long elements, long offset, long[] sizes, long[] strides) {
        return global("torch._utils", "_rebuild_tensor_v2")
                .ops("(")
                .storage("FloatStorage", key, elements)
                .number(offset)
                .numbers(sizes)
                .numbers(strides)
                .raw(0x89)
                .global("collections", "OrderedDict")
                .ops(")RtR");
    }

    byte[] stop() {
        return ops(".").bytes();
    }

    byte[] bytes() {
        return pickle.toByteArray();
    }

    /** A pickle of {"w": tensor}. */
    static byte[] single(String key, long elements, long offset, long[] sizes, long[] strides) {
        return pickle().ops("}")
                .text("w")
                .tensor(key, elements, offset, sizes, strides)
                .ops("s")
                .stop();
    }

    /** An archive of stored entries, in order. */
    static byte[] archive(Map<String, byte[]> entries) {
        return archive(entries, ZipEntry.STORED);
    }

    static byte[] archive(Map<String, byte[]> entries, int method) {
        var bytes = new ByteArrayOutputStream();
        try (var zip = new ZipOutputStream(bytes)) {
            for (var entry : entries.entrySet()) {
                var header = new ZipEntry(entry.getKey());
                header.setMethod(method);
                if (method == ZipEntry.STORED) {
                    var crc = new CRC32();
                    crc.update(entry.getValue());
                    header.setCrc(crc.getValue());
                    header.setSize(entry.getValue().length);
                }
                zip.putNextEntry(header);
                zip.write(entry.getValue());
                zip.closeEntry();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    static TorchPickle.Contents parse(byte[] file) throws MalformedDataException {
        return TorchPickle.parse("test", MemorySegment.ofArray(file));
    }

    private TorchBytes little(int number) {
        return bytes(ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(number)
                .array());
    }

    private TorchBytes bytes(byte[] bytes) {
        pickle.writeBytes(bytes);
        return this;
    }
}
