package sn9.testing;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import sn9.engine.Buffer;
import sn9.engine.Engine;
import sn9.engine.Event;
import sn9.engine.Graph;
import sn9.engine.HostBuffer;
import sn9.engine.Ops;
import sn9.engine.Padding;
import sn9.tensor.ElementType;

/** An engine that asks for padding its library does not need: the padded layout on the CPU. */
public record PaddedEngine(Engine engine, Padding padding) implements Engine {
    @Override
    public String name() {
        return engine.name();
    }

    @Override
    public Map<String, String> properties() {
        return engine.properties();
    }

    @Override
    public ElementType activationType() {
        return engine.activationType();
    }

    @Override
    public Ops ops() {
        return engine.ops();
    }

    @Override
    public Buffer allocate(String label, long bytes) {
        return engine.allocate(label, bytes);
    }

    @Override
    public boolean captures() {
        return engine.captures();
    }

    @Override
    public HostBuffer allocateHost(String label, long bytes) {
        return engine.allocateHost(label, bytes);
    }

    @Override
    public Event event(String label) {
        return engine.event(label);
    }

    @Override
    public Graph capture(String label, Runnable operations) {
        return engine.capture(label, operations);
    }

    @Override
    public void range(String label, Runnable operations) {
        engine.range(label, operations);
    }

    @Override
    public void trainingPass(Runnable operations) {
        engine.trainingPass(operations);
    }

    @Override
    public void on(Stream stream, Runnable action) {
        engine.on(stream, action);
    }

    @Override
    public void copy(Buffer to, Buffer from, long bytes) {
        engine.copy(to, from, bytes);
    }

    @Override
    public void download(HostBuffer to, Buffer from) {
        engine.download(to, from);
    }

    @Override
    public void upload(Buffer to, MemorySegment from) {
        engine.upload(to, from);
    }

    @Override
    public void download(MemorySegment to, Buffer from) {
        engine.download(to, from);
    }

    @Override
    public MemorySegment read(Buffer from, Arena arena) {
        return engine.read(from, arena);
    }

    @Override
    public void reserve(int B, int T, int C, int NH, int HS, int F, int V, boolean training) {
        engine.reserve(B, T, C, NH, HS, F, V, training);
    }

    @Override
    public void synchronize() {
        engine.synchronize();
    }

    @Override
    public void close() {
        engine.close();
    }
}
