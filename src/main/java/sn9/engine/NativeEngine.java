package sn9.engine;

import static sn9.engine.NativeFunction.ALLOC;
import static sn9.engine.NativeFunction.CAPTURE_BEGIN;
import static sn9.engine.NativeFunction.CAPTURE_END;
import static sn9.engine.NativeFunction.CONTEXT_CLOSE;
import static sn9.engine.NativeFunction.CONTEXT_DESCRIBE;
import static sn9.engine.NativeFunction.CONTEXT_OPEN;
import static sn9.engine.NativeFunction.CONTEXT_RESERVE;
import static sn9.engine.NativeFunction.COPY;
import static sn9.engine.NativeFunction.DOWNLOAD;
import static sn9.engine.NativeFunction.EVENT_CREATE;
import static sn9.engine.NativeFunction.FREE;
import static sn9.engine.NativeFunction.PADDING;
import static sn9.engine.NativeFunction.PINNED_ALLOC;
import static sn9.engine.NativeFunction.RANGE_POP;
import static sn9.engine.NativeFunction.RANGE_PUSH;
import static sn9.engine.NativeFunction.STREAM_NATIVE;
import static sn9.engine.NativeFunction.STREAM_SELECT;
import static sn9.engine.NativeFunction.SYNCHRONIZE;
import static sn9.engine.NativeFunction.TRAINING_PASS;
import static sn9.engine.NativeFunction.UPLOAD;
import static sn9.engine.NativeFunction.WORKSPACE_BYTES;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
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

    /** System property: {@code off} launches operations one by one, so that a profiler can name each. */
    private static final String GRAPHS = "sn9.graphs";

    /** A downcall; what it returns is a status. */
    @FunctionalInterface
    interface Call {
        int run() throws Throwable;
    }

    final OpsLibrary library;
    private final String name;
    private final long context;
    private final Thread owner = Thread.currentThread();
    private final Set<AutoCloseable> open = new LinkedHashSet<>();
    /** By stream: where a tensor lies as its file has it until it is converted. Null where device memory is the host's. */
    private final Buffer[] raw = new Buffer[Stream.values().length];

    private final boolean captures;
    private final Arena names = Arena.ofConfined();
    private final Map<String, MemorySegment> rangeNames = new HashMap<>();
    private Stream stream = Stream.COMPUTE;
    private long workspaceBytes;
    private long workspaceMoves;
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
        this.captures = "1".equals(properties.get("graphs")) && !"off".equals(System.getProperty(GRAPHS));
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
            library.check((int) library.get(CONTEXT_OPEN).invokeExact(device, threads, precision, result.address()));
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
        return describe(library, context());
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
            call(() -> (int) library.get(ALLOC).invokeExact(context(), bytes, result.address()));
            Buffer buffer = Buffer.owner(this, label, result.get(ValueLayout.JAVA_LONG, 0), bytes);
            open.add(buffer);
            return buffer;
        }
    }

    void free(Buffer buffer) {
        long address = buffer.address();
        call(() -> (int) library.get(FREE).invokeExact(context(), address));
        open.remove(buffer);
    }

    @Override
    public boolean captures() {
        return captures;
    }

    @Override
    public HostBuffer allocateHost(String label, long bytes) {
        long address = made(result -> (int) library.get(PINNED_ALLOC).invokeExact(context(), bytes, result));
        return lent(new HostBuffer(this, label, address, bytes));
    }

    @Override
    public Event event(String label) {
        return lent(new Event(
                this, label, made(result -> (int) library.get(EVENT_CREATE).invokeExact(context(), result))));
    }

    @Override
    public Graph capture(String label, Runnable operations) {
        call(() -> (int) library.get(CAPTURE_BEGIN).invokeExact(context()));
        try {
            operations.run();
        } catch (RuntimeException e) {
            try {
                endCapture(label).close();
            } catch (RuntimeException second) {
                e.addSuppressed(second);
            }
            throw e;
        }
        return endCapture(label);
    }

    private Graph endCapture(String label) {
        long graph = made(result -> (int) library.get(CAPTURE_END).invokeExact(context(), result));
        return lent(new Graph(this, label, graph));
    }

    @Override
    public void range(String label, Runnable operations) {
        long name = rangeNames.computeIfAbsent(label, names::allocateFrom).address();
        call(() -> (int) library.get(RANGE_PUSH).invokeExact(context(), name));
        try {
            operations.run();
        } finally {
            call(() -> (int) library.get(RANGE_POP).invokeExact(context()));
        }
    }

    @Override
    public void trainingPass(Runnable operations) {
        call(() -> (int) library.get(TRAINING_PASS).invokeExact(context(), 1));
        try {
            operations.run();
        } finally {
            call(() -> (int) library.get(TRAINING_PASS).invokeExact(context(), 0));
        }
    }

    @Override
    public void on(Stream other, Runnable action) {
        Stream before = stream;
        select(other);
        try {
            action.run();
        } finally {
            select(before);
        }
    }

    private void select(Stream other) {
        call(() -> (int) library.get(STREAM_SELECT).invokeExact(context(), other.ordinal()));
        stream = other;
    }

    /** Device memory for a tensor as its file has it, until the selected stream has converted it. */
    Buffer raw(long bytes) {
        int at = stream.ordinal();
        if (raw[at] == null || raw[at].bytes() < bytes) {
            if (raw[at] != null) {
                synchronize();
                raw[at].close();
            }
            raw[at] = allocate("tensor to convert", bytes);
        }
        return raw[at];
    }

    /** How often the workspace has moved. */
    long workspaceMoves() {
        return workspaceMoves;
    }

    /** A downcall that leaves a pointer at an address. */
    @FunctionalInterface
    private interface Maker {
        int run(long result) throws Throwable;
    }

    private long made(Maker maker) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment result = arena.allocate(ValueLayout.JAVA_LONG);
            call(() -> maker.run(result.address()));
            return result.get(ValueLayout.JAVA_LONG, 0);
        }
    }

    private <H extends Handle> H lent(H handle) {
        open.add(handle);
        return handle;
    }

    void returned(Handle handle) {
        open.remove(handle);
    }

    @Override
    public void copy(Buffer to, Buffer from, long bytes) {
        expectRoom(to, bytes);
        expectRoom(from, bytes);
        call(() -> (int) library.get(COPY).invokeExact(context(), to.address(), from.address(), bytes));
    }

    @Override
    public void download(HostBuffer to, Buffer from) {
        MemorySegment memory = to.memory();
        expectRoom(from, memory.byteSize());
        call(() -> (int)
                library.get(DOWNLOAD).invokeExact(context(), memory.address(), from.address(), memory.byteSize()));
    }

    @Override
    public void upload(Buffer to, MemorySegment from) {
        expectRoom(to, from.byteSize());
        call(() -> (int) library.get(UPLOAD).invokeExact(context(), to.address(), from.address(), from.byteSize()));
    }

    @Override
    public void download(MemorySegment to, Buffer from) {
        expectRoom(from, to.byteSize());
        call(() -> (int) library.get(DOWNLOAD).invokeExact(context(), to.address(), from.address(), to.byteSize()));
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
            call(() -> (int) library.get(WORKSPACE_BYTES)
                    .invokeExact(
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
            if (needed > workspaceBytes) {
                call(() -> (int) library.get(CONTEXT_RESERVE).invokeExact(context(), needed));
                workspaceBytes = needed;
                workspaceMoves++;
            }
        }
    }

    @Override
    public long address(Buffer buffer) {
        return buffer.address();
    }

    @Override
    public long nativeStream() {
        return made(result -> (int) library.get(STREAM_NATIVE).invokeExact(context(), result));
    }

    @Override
    public void reserveLoading(long bytes) {
        if (!hostMemory()) {
            raw(bytes);
        }
    }

    @Override
    public List<MemoryUse> memory() {
        var uses = new ArrayList<MemoryUse>();
        for (AutoCloseable one : open) {
            if (one instanceof Buffer buffer) {
                uses.add(buffer.use());
            }
        }
        uses.add(new MemoryUse("workspace", workspaceBytes, Map.of()));
        return uses;
    }

    @Override
    public void synchronize() {
        call(() -> (int) library.get(SYNCHRONIZE).invokeExact(context()));
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        synchronize();
        for (Buffer buffer : raw) {
            if (buffer != null) {
                buffer.close();
            }
        }
        List<String> left = new ArrayList<>();
        for (AutoCloseable one : List.copyOf(open).reversed()) {
            left.add(one.toString());
            switch (one) {
                case Buffer buffer -> buffer.close();
                case Handle handle -> handle.close();
                default -> throw new IllegalStateException("not an engine's: " + one);
            }
        }
        call(() -> (int) library.get(CONTEXT_CLOSE).invokeExact(context()));
        names.close();
        closed = true;
        if (!left.isEmpty()) {
            throw new IllegalStateException("the engine " + name + " was closed with " + left.size()
                    + " of its parts still open: " + String.join(", ", left));
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
            library.check((int) library.get(PADDING).invokeExact(context, first, first + 8, first + 16));
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
            MemorySegment text = arena.allocate(2048);
            library.check((int) library.get(CONTEXT_DESCRIBE).invokeExact(context, text.address(), text.byteSize()));
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
