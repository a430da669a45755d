package sn9.checkpoint;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import sn9.MalformedDataException;
import sn9.tensor.ElementType;
import sn9.tensor.TensorView;

/** Safetensors files as bytes, true or lying, for the tests of this package. */
final class SafetensorsBytes {
    private SafetensorsBytes() {}

    /** A file with this header and so many bytes of data, counting up. */
    static byte[] file(String header, int dataBytes) {
        return file(header.getBytes(StandardCharsets.UTF_8), dataBytes);
    }

    /** As {@link #file(String, int)}, with a header that need not be UTF-8. */
    static byte[] file(byte[] header, int dataBytes) {
        ByteBuffer bytes = ByteBuffer.allocate(8 + header.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(header.length).put(header);
        for (int i = 0; i < dataBytes; i++) {
            bytes.put((byte) i);
        }
        return bytes.array();
    }

    /** A header's entry. */
    static String entry(String name, String dtype, String shape, String offsets) {
        return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets
                + "}";
    }

    /** A tensor of zeros. */
    static TensorView zeros(String name, ElementType type, long... shape) {
        var bytes = new byte[(int) TensorView.elements(shape) * type.bytes()];
        return new TensorView(name, type, shape, MemorySegment.ofArray(bytes));
    }

    /** Parses bytes in memory, as {@link Safetensors#open} does those of a file. */
    static SafetensorsHeader parse(byte[] file) throws MalformedDataException {
        return SafetensorsHeader.parse("test", MemorySegment.ofArray(file));
    }
}
