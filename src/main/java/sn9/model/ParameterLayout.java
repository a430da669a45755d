package sn9.model;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import sn9.engine.Padding;
import sn9.tensor.ElementConversion;
import sn9.tensor.ElementType;
import sn9.tensor.TensorView;

/**
 * Where each parameter lies in the flat f32 arena that training keeps for parameters, gradients and moments alike, and how
 * a file's tensor is spread over padded memory. The decayed tensors come first, so that weight decay is a prefix; every
 * tensor starts on 64 bytes; gaps and padding are zero.
 */
public final class ParameterLayout {
    private static final long ALIGNMENT = 16; // elements: 64 bytes

    /**
     * One axis of a tensor: groups of {@code width} true elements, each in {@code memory} elements. Heads are such groups;
     * any other axis is one group.
     */
    record Axis(int groups, int width, int memory) {
        long size() {
            return (long) groups * memory;
        }

        boolean plain() {
            return width == memory;
        }
    }

    /**
     * A tensor's place.
     *
     * @param name as Hugging Face calls it
     * @param shape true sizes
     * @param rows first axis; one group of one for a vector
     * @param cols last axis
     * @param offset first element in the arena
     */
    public record Slot(String name, long[] shape, Axis rows, Axis cols, long offset) {
        /** Elements in memory, padding included. */
        public long elements() {
            return rows.size() * cols.size();
        }

        /** Whether memory holds the tensor as files do, without padding. */
        public boolean plain() {
            return rows.plain() && cols.plain();
        }

        /** The tensor's sizes in memory. */
        long[] memoryShape() {
            return shape.length == 1 ? new long[] {cols.size()} : new long[] {rows.size(), cols.size()};
        }

        /** Spreads a file's tensor over zeroed f32 memory of {@link #elements}. */
        public void scatter(MemorySegment from, ElementType type, MemorySegment to) {
            forRuns((file, memory, length) -> ElementConversion.toF32(
                    type,
                    from.asSlice(file * type.bytes(), length * type.bytes()),
                    to.asSlice(memory * Float.BYTES, length * Float.BYTES),
                    length));
        }

        /** Collects the true elements of f32 memory in a file's order. */
        public void gather(MemorySegment from, MemorySegment to) {
            forRuns((file, memory, length) ->
                    MemorySegment.copy(from, memory * Float.BYTES, to, file * Float.BYTES, length * Float.BYTES));
        }

        private void forRuns(Run run) {
            long file = 0;
            for (int rowGroup = 0; rowGroup < rows.groups; rowGroup++) {
                for (int row = 0; row < rows.width; row++) {
                    long start = ((long) rowGroup * rows.memory + row) * cols.size();
                    for (int group = 0; group < cols.groups; group++) {
                        run.of(file, start + (long) group * cols.memory, cols.width);
                        file += cols.width;
                    }
                }
            }
        }

        /** Elements that lie side by side in the file and in memory. */
        private interface Run {
            void of(long file, long memory, long length);
        }
    }

    private final Map<String, Slot> slots = new LinkedHashMap<>();
    private final long decayed;
    private final long size;

    /**
     * Lays out a model.
     *
     * @param padding of the library that will compute with it
     * @param decayAll whether weight decay is for all tensors, as the reference does, or for matrices only
     */
    public ParameterLayout(Gpt2Config config, Padding padding, boolean decayAll) {
        Sizes sizes = Sizes.of(config, padding);
        List<Map.Entry<String, long[]>> first = new ArrayList<>();
        List<Map.Entry<String, long[]>> rest = new ArrayList<>();
        for (var tensor : ParameterShapes.of(config).entrySet()) {
            (decayAll || tensor.getValue().length == 2 ? first : rest).add(tensor);
        }
        long end = place(first, sizes, 0);
        decayed = end;
        size = place(rest, sizes, end);
    }

    private long place(List<Map.Entry<String, long[]>> tensors, Sizes sizes, long start) {
        long next = start;
        for (var tensor : tensors) {
            String name = tensor.getKey();
            long[] shape = tensor.getValue();
            Axis cols = cols(name, sizes);
            Axis rows = shape.length == 1 ? new Axis(1, 1, 1) : rows(name, sizes);
            var slot = new Slot(name, shape, rows, cols, next);
            slots.put(name, slot);
            next = (next + slot.elements() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        }
        return next;
    }

    private static Axis cols(String name, Sizes s) {
        if (name.contains("attn.c_attn.")) {
            return new Axis(3 * s.NH(), s.trueHS(), s.HS());
        }
        return name.contains("mlp.c_fc.") ? new Axis(1, 4 * s.trueC(), s.F()) : new Axis(1, s.trueC(), s.C());
    }

    private static Axis rows(String name, Sizes s) {
        if (name.endsWith("wte.weight")) {
            return new Axis(1, s.trueV(), s.V());
        }
        if (name.endsWith("wpe.weight")) {
            return new Axis(1, s.P(), s.P());
        }
        if (name.endsWith("attn.c_proj.weight")) {
            return new Axis(s.NH(), s.trueHS(), s.HS());
        }
        return name.endsWith("mlp.c_proj.weight") ? new Axis(1, 4 * s.trueC(), s.F()) : new Axis(1, s.trueC(), s.C());
    }

    /** The place of a tensor. */
    public Slot slot(String name) {
        Slot slot = slots.get(name);
        if (slot == null) {
            throw new IllegalArgumentException("a GPT-2 has no parameter " + name);
        }
        return slot;
    }

    /** All places, in the order of the arena. */
    public Iterable<Slot> slots() {
        return slots.values();
    }

    /** Elements from the start that weight decay applies to. */
    public long decayed() {
        return decayed;
    }

    /** Elements of the arena, gaps and padding included. */
    public long size() {
        return size;
    }

    /** Spreads a model's tensors over zeroed f32 host memory of {@link #size} elements. */
    public void scatter(Iterable<TensorView> tensors, MemorySegment arena) {
        for (TensorView tensor : tensors) {
            Slot slot = slot(tensor.name());
            slot.scatter(
                    tensor.data(),
                    tensor.type(),
                    arena.asSlice(slot.offset * Float.BYTES, slot.elements() * Float.BYTES));
        }
    }
}
