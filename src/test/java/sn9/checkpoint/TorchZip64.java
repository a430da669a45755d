package sn9.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/** The same archive as PyTorch writes one of more than 4 GiB, without the gigabytes. */
final class TorchZip64 {
    private TorchZip64() {}

    /** Gives every entry 64-bit sizes and place, and the directory a 64-bit end. */
    static byte[] widen(byte[] file) {
        ByteBuffer in = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        int begin = in.getInt(file.length - 6);
        int entries = in.getShort(file.length - 12);
        ByteBuffer out =
                ByteBuffer.allocate(file.length + 28 * entries + 56 + 20).order(ByteOrder.LITTLE_ENDIAN);
        out.put(file, 0, begin);
        int at = begin;
        for (int i = 0; i < entries; i++) {
            int head = 46 + in.getShort(at + 28);
            byte[] entry = Arrays.copyOfRange(file, at, at + head);
            ByteBuffer.wrap(entry)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putInt(20, -1)
                    .putInt(24, -1)
                    .putShort(30, (short) 28)
                    .putInt(42, -1);
            out.put(entry).putShort((short) 1).putShort((short) 24);
            out.putLong(in.getInt(at + 24)).putLong(in.getInt(at + 20)).putLong(in.getInt(at + 42));
            at += head + in.getShort(at + 30);
        }
        int end = out.position();
        out.putInt(0x06064b50).putLong(44).putInt(0x002d002d).putInt(0).putInt(0);
        out.putLong(entries).putLong(entries).putLong(end - begin).putLong(begin);
        out.putInt(0x07064b50).putInt(0).putLong(end).putInt(1);
        out.putInt(0x06054b50).putInt(0).putInt(-1).putInt(-1).putInt(-1).putShort((short) 0);
        return Arrays.copyOf(out.array(), out.position());
    }
}
