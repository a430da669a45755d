package sn9.benchmark;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import sn9.engine.Buffer;
import sn9.engine.Engine;
import sn9.tensor.Bfloat16;
import sn9.tensor.ElementType;

/** A tensor on the device, and its values as floats. */
record Tensor(Engine engine, Buffer buffer, ElementType type) {
    /** All elements, as they are now. */
    float[] read() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(buffer.bytes(), 64);
            engine.download(host, buffer);
            if (type != ElementType.BF16) {
                return host.toArray(ValueLayout.JAVA_FLOAT);
            }
            short[] raw = host.toArray(ValueLayout.JAVA_SHORT);
            var values = new float[raw.length];
            for (int i = 0; i < raw.length; i++) {
                values[i] = Bfloat16.toFloat(raw[i]);
            }
            return values;
        }
    }

    /** All elements of a tensor of integers. */
    int[] integers() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(buffer.bytes(), 64);
            engine.download(host, buffer);
            return host.toArray(ValueLayout.JAVA_INT);
        }
    }
}
