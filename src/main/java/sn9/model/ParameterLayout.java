package sn9.model;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import sn9.tensor.TensorView;

/**
 * Where each parameter lies in the flat f32 arena that training keeps for parameters, gradients and moments alike. The
 * decayed tensors come first, so that weight decay is a prefix; every tensor starts on 64 bytes, and the gaps are zero.
 */
public final class ParameterLayout {
    private static final long ALIGNMENT = 16; // elements: 64 bytes

    /**
     * A tensor's place.
     *
     * @param name as Hugging Face calls it
     * @param shape true sizes
     * @param offset first element in the arena
     * @param elements product of the shape
     */
    public record Slot(String name, long[] shape, long offset, long elements) {}

    private final Map<String, Slot> slots = new LinkedHashMap<>();
    private final long decayed;
    private final long size;

    /**
     * Lays out a model.
     *
     * @param decayAll whether weight decay is for all tensors, as the reference does, or for matrices only
     */
    public ParameterLayout(Gpt2Config config, boolean decayAll) {
        List<Map.Entry<String, long[]>> first = new ArrayList<>();
        List<Map.Entry<String, long[]>> rest = new ArrayList<>();
        for (var tensor : ParameterShapes.of(config).entrySet()) {
            (decayAll || tensor.getValue().length == 2 ? first : rest).add(tensor);
        }
        long end = place(first, 0);
        decayed = end;
        size = place(rest, end);
    }

    private long place(List<Map.Entry<String, long[]>> tensors, long start) {
        long next = start;
        for (var tensor : tensors) {
            long elements = TensorView.elements(tensor.getValue());
            slots.put(tensor.getKey(), new Slot(tensor.getKey(), tensor.getValue(), next, elements));
            next = (next + elements + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        }
        return next;
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

    /** Elements of the arena, gaps included. */
    public long size() {
        return size;
    }
}
