package sn9.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import sn9.tensor.ElementType;

/** An engine over a library of the C ABI: the CPU's or, with the same code, a GPU's. */
final class NativeEngine implements Engine {
    private static final int FP32 = 0;
    private static final int BF16 = 1;

    /** A downcall; what it returns is a status. */
    @FunctionalInterface
    interface Call {
        int run() throws Throwable;
    }

    final OpsLibrary library;
    private final String name;
    private final long context;
    private final Thread owner = Thread.currentThread();
    private final Set<Buffer> open = new LinkedHashSet<>();
    private final Map<String, String> properties;
    private final ElementType activationType;
    private final Padding padding;
    private final NativeOps ops;
    private boolean closed;

    private NativeEngine(String name, OpsLibrary library, long context, ElementType activationType) {
        this.name = name;
        this.library = library;
        this.context = context;
        this.properties = describe(library, context);
        this.activationType = activationType;
        this.padding = padding(library, context);
        this.ops = new NativeOps(this);
    }

    /**
     * Opens a device of a library.
     *
     * @param threads worker threads of the CPU library, 0 for one per processor
     * @param activationType F32 or BF16
     */
    static NativeEngine open(String name, OpsLibrary library, int device, int threads, ElementType activationType) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment result = arena.allocate(ValueLayout.JAVA_LONG);
            int precision = activationType == ElementType.BF16 ? BF16 : FP32;
            library.check((int) library.contextOpen.invokeExact(device, threads, precision, result.address()));
            return new NativeEngine(name, library, result.get(ValueLayout.JAVA_LONG, 0), activationType);
        } catch (Throwable e) {
            throw OpsLibrary.unexpected(e);
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Map<String, String> properties() {
        return properties;
    }

    @Override
    public ElementType activationType() {
        return activationType;
    }

    @Override
    public Padding padding() {
        return padding;
    }

    /** Whether the device's memory is the host's. */
    boolean hostMemory() {
        return "1".equals(properties.get("host_memory"));
    }

    @Override
    public Ops ops() {
        return ops;
    }

    @Override
    public Buffer allocate(String label, long bytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment result = arena.allocate(ValueLayout.JAVA_LONG);
            call(() -> (int) library.alloc.invokeExact(context(), bytes, result.address()));
            var buffer = new Buffer(this, null, label, result.get(ValueLayout.JAVA_LONG, 0), bytes);
            open.add(buffer);
            return buffer;
        }
    }

    void free(Buffer buffer) {
        long address = buffer.address();
        call(() -> (int) library.free.invokeExact(context(), address));
        open.remove(buffer);
    }

    @Override
    public void upload(Buffer to, MemorySegment from) {
        expectRoom(to, from.byteSize());
        call(() -> (int) library.upload.invokeExact(context(), to.address(), from.address(), from.byteSize()));
    }

    @Override
    public void download(MemorySegment to, Buffer from) {
        expectRoom(from, to.byteSize());
        call(() -> (int) library.download.invokeExact(context(), to.address(), from.address(), to.byteSize()));
    }

    @Override
    @SuppressWarnings("restricted")
    public MemorySegment read(Buffer from, Arena arena) {
        if (hostMemory()) {
            synchronize();
            return MemorySegment.ofAddress(from.address()).reinterpret(from.bytes());
        }
        MemorySegment copy = arena.allocate(from.bytes(), 64);
        download(copy, from);
        return copy;
    }

    @Override
    public void reserve(int B, int T, int C, int NH, int HS, int F, int V, boolean training) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(ValueLayout.JAVA_LONG);
            call(() -> (int) library.workspaceBytes.invokeExact(
                    context(),
                    bytes.address(),
                    (long) B,
                    (long) T,
                    (long) C,
                    (long) NH,
                    (long) HS,
                    (long) F,
                    (long) V,
                    training ? 1 : 0));
            long needed = bytes.get(ValueLayout.JAVA_LONG, 0);
            call(() -> (int) library.contextReserve.invokeExact(context(), needed));
        }
    }

    @Override
    public void synchronize() {
        call(() -> (int) library.synchronize.invokeExact(context()));
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        List<String> left = new ArrayList<>();
        for (Buffer buffer : List.copyOf(open)) {
            left.add(buffer.toString());
            buffer.close();
        }
        call(() -> (int) library.contextClose.invokeExact(context()));
        closed = true;
        if (!left.isEmpty()) {
            throw new IllegalStateException("the engine " + name + " was closed with " + left.size()
                    + " buffers still open: " + String.join(", ", left));
        }
    }

    /** The native context, for the thread that owns it. */
    long context() {
        if (Thread.currentThread() != owner) {
            throw new IllegalStateException("the engine " + name + " belongs to thread " + owner.getName()
                    + " and was called from " + Thread.currentThread().getName());
        }
        if (closed) {
            throw new IllegalStateException("the engine " + name + " is closed");
        }
        return context;
    }

    /** Runs a downcall and turns its status into an exception. */
    void call(Call call) {
        try {
            library.check(call.run());
        } catch (Throwable e) {
            throw OpsLibrary.unexpected(e);
        }
    }

    private static void expectRoom(Buffer buffer, long bytes) {
        if (buffer.bytes() < bytes) {
            throw new IllegalArgumentException(buffer + " is smaller than the " + bytes + " bytes to copy");
        }
    }

    private static Padding padding(OpsLibrary library, long context) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment sizes = arena.allocate(ValueLayout.JAVA_LONG, 3);
            long first = sizes.address();
            library.check((int) library.padding.invokeExact(context, first, first + 8, first + 16));
            return new Padding(
                    (int) sizes.getAtIndex(ValueLayout.JAVA_LONG, 0),
                    (int) sizes.getAtIndex(ValueLayout.JAVA_LONG, 1),
                    (int) sizes.getAtIndex(ValueLayout.JAVA_LONG, 2));
        } catch (Throwable e) {
            throw OpsLibrary.unexpected(e);
        }
    }

    private static Map<String, String> describe(OpsLibrary library, long context) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(1024);
            library.check((int) library.contextDescribe.invokeExact(context, text.address(), text.byteSize()));
            var properties = new LinkedHashMap<String, String>();
            text.getString(0).lines().forEach(line -> {
                int equals = line.indexOf('=');
                properties.put(line.substring(0, equals), line.substring(equals + 1));
            });
            return Map.copyOf(properties);
        } catch (Throwable e) {
            throw OpsLibrary.unexpected(e);
        }
    }
}
