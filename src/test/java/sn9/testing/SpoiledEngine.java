package sn9.testing;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.LinkedHashMap;
import java.util.Map;
import sn9.engine.Buffer;
import sn9.engine.Engine;
import sn9.tensor.ElementConversion;
import sn9.tensor.ElementType;

/**
 * An engine whose memory is full of garbage when it is allocated, and again whenever a test wishes. What reads memory that
 * was never written, or trusts in zeros that nobody made, gives other bits with other garbage.
 */
public final class SpoiledEngine {
    /** Bytes of NaNs in f32 and in bf16. */
    public static final int NANS = 0xFF;

    /** Bytes of 51015.28 in f32 and of 51200 in bf16. */
    public static final int LARGE = 0x47;

    private final Engine engine;
    private final int garbage;
    private final Engine spoiled;
    private final Map<String, Buffer> buffers = new LinkedHashMap<>();

    /** Spoils the memory of an engine, which stays the caller's, with a byte. */
    public SpoiledEngine(Engine engine, int garbage) {
        this.engine = engine;
        this.garbage = garbage;
        this.spoiled = (Engine) Proxy.newProxyInstance(
                Engine.class.getClassLoader(), new Class<?>[] {Engine.class}, (_, method, arguments) -> {
                    try {
                        Object result = method.invoke(engine, arguments);
                        if (method.getName().equals("allocate")) {
                            buffers.put((String) arguments[0], (Buffer) result);
                            fill((Buffer) result);
                        }
                        return result;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    /** The engine. */
    public Engine engine() {
        return spoiled;
    }

    /** Fills every activation and what surrounds it; what a step leaves for the next lies elsewhere. */
    public void spoilActivations() {
        buffers.forEach((label, buffer) -> {
            if (label.startsWith("activations")) {
                fill(buffer);
            }
        });
    }

    /** A buffer's numbers as f32, by its label; null where there is none. */
    public MemorySegment read(String label, ElementType type, Arena arena) {
        Buffer buffer = buffers.get(label);
        if (buffer == null) {
            return null;
        }
        long elements = buffer.bytes() / type.bytes();
        MemorySegment values = arena.allocate(elements * Float.BYTES, 64);
        ElementConversion.toF32(type, engine.read(buffer, arena), values, elements);
        return values;
    }

    private void fill(Buffer buffer) {
        try (Arena arena = Arena.ofConfined()) {
            engine.upload(buffer, arena.allocate(buffer.bytes(), 64).fill((byte) garbage));
        }
    }
}
