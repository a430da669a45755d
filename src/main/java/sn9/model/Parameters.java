package sn9.model;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.Supplier;
import sn9.engine.Buffer;
import sn9.engine.Engine;
import sn9.engine.Weight;
import sn9.tensor.ElementType;
import sn9.tensor.TensorView;

/**
 * The parameters of a GPT-2 on a device, by the names the graph uses. For training all lie in one arena, which the
 * optimiser updates in place; for evaluation matrices are held only in the library's prepared form.
 */
public final class Parameters implements AutoCloseable {
    /** One layer. Shapes: C channels. */
    record Layer(
            Buffer ln1w, // (C)
            Buffer ln1b, // (C)
            Weight qkvw, // (C, 3*C)
            Buffer qkvb, // (3*C)
            Weight attprojw, // (C, C)
            Buffer attprojb, // (C)
            Buffer ln2w, // (C)
            Buffer ln2b, // (C)
            Weight fcw, // (C, 4*C)
            Buffer fcb, // (4*C)
            Weight fcprojw, // (4*C, C)
            Buffer fcprojb // (C)
            ) {}

    final Weight wte; // (V, C)
    final Buffer wpe; // (P, C)
    final Layer[] layers;
    final Buffer lnfw; // (C)
    final Buffer lnfb; // (C)
    private final List<AutoCloseable> owned = new ArrayList<>();

    /** Where a tensor on the device comes from. */
    private interface Source {
        Buffer buffer(String name);

        Weight weight(String name, Weight.Kind kind);
    }

    private Parameters(Gpt2Config config, Source source) {
        wte = source.weight("transformer.wte.weight", Weight.Kind.EMBEDDING);
        wpe = source.buffer("transformer.wpe.weight");
        layers = new Layer[config.nLayer()];
        for (int l = 0; l < layers.length; l++) {
            String h = "transformer.h." + l + ".";
            layers[l] = new Layer(
                    source.buffer(h + "ln_1.weight"),
                    source.buffer(h + "ln_1.bias"),
                    source.weight(h + "attn.c_attn.weight", Weight.Kind.LINEAR),
                    source.buffer(h + "attn.c_attn.bias"),
                    source.weight(h + "attn.c_proj.weight", Weight.Kind.LINEAR),
                    source.buffer(h + "attn.c_proj.bias"),
                    source.buffer(h + "ln_2.weight"),
                    source.buffer(h + "ln_2.bias"),
                    source.weight(h + "mlp.c_fc.weight", Weight.Kind.LINEAR),
                    source.buffer(h + "mlp.c_fc.bias"),
                    source.weight(h + "mlp.c_proj.weight", Weight.Kind.LINEAR),
                    source.buffer(h + "mlp.c_proj.bias"));
        }
        lnfw = source.buffer("transformer.ln_f.weight");
        lnfb = source.buffer("transformer.ln_f.bias");
    }

    /**
     * Parameters to evaluate with: each tensor is copied to the device in its prepared form, and the pages of a mapped
     * source are released as it goes, so that memory holds one copy.
     *
     * @param tensors the model's tensors by Hugging Face name, in any float type
     */
    public static Parameters forEvaluation(Engine engine, Gpt2Config config, Function<String, TensorView> tensors) {
        var layout = new ParameterLayout(config, engine.padding(), false);
        List<AutoCloseable> made = new ArrayList<>();
        var source = new Source() {
            @Override
            public Buffer buffer(String name) {
                Buffer buffer = engine.allocate(name, layout.slot(name).elements() * Float.BYTES);
                made.add(buffer);
                load(engine, layout.slot(name), tensors.apply(name), buffer);
                return buffer;
            }

            @Override
            public Weight weight(String name, Weight.Kind kind) {
                long[] shape = layout.slot(name).memoryShape();
                Weight[] weight = new Weight[1];
                inMemory(
                        layout.slot(name),
                        tensors.apply(name),
                        (data, type) ->
                                weight[0] = engine.ops().prepareWeight(name, data, type, shape[0], shape[1], kind));
                made.add(weight[0]);
                return weight[0];
            }
        };
        return owning(made, () -> new Parameters(config, source));
    }

    /**
     * Copies a file's tensor into device memory as f32, spread over the padding of its slot.
     *
     * @param to the slot's elements, all written
     */
    public static void load(Engine engine, ParameterLayout.Slot slot, TensorView tensor, Buffer to) {
        inMemory(slot, tensor, (data, type) -> engine.ops().load(to, data, type, slot.elements()));
    }

    /** A tensor's bytes as the device wants them: the file's own, or spread over padding. */
    private static void inMemory(
            ParameterLayout.Slot slot, TensorView tensor, BiConsumer<MemorySegment, ElementType> use) {
        if (slot.plain()) {
            use.accept(tensor.data(), tensor.type());
            return;
        }
        try (Arena host = Arena.ofConfined()) {
            MemorySegment spread = host.allocate(slot.elements() * Float.BYTES, 64);
            slot.scatter(tensor.data(), tensor.type(), spread);
            use.accept(spread, ElementType.F32);
        }
    }

    /**
     * Parameters to train: views of an arena that the caller fills beforehand and keeps.
     *
     * @param copy as large, of the activation type, kept up to date by the optimiser; null where that type is f32
     */
    public static Parameters overArena(
            Engine engine, Gpt2Config config, ParameterLayout layout, Buffer arena, Buffer copy) {
        return new Parameters(config, new Source() {
            @Override
            public Buffer buffer(String name) {
                return view(layout, arena, name);
            }

            @Override
            public Weight weight(String name, Weight.Kind kind) {
                long[] shape = layout.slot(name).memoryShape();
                Buffer own = copy == null ? null : view(layout, copy, engine.activationType(), name);
                return engine.ops().trainedWeight(view(layout, arena, name), own, shape[0], shape[1], kind);
            }
        });
    }

    /** A tensor's view of an arena. */
    public static Buffer view(ParameterLayout layout, Buffer arena, String name) {
        return view(layout, arena, ElementType.F32, name);
    }

    private static Buffer view(ParameterLayout layout, Buffer arena, ElementType type, String name) {
        ParameterLayout.Slot slot = layout.slot(name);
        return arena.slice(name, slot.offset() * type.bytes(), slot.elements() * type.bytes());
    }

    private static Parameters owning(List<AutoCloseable> made, Supplier<Parameters> maker) {
        Parameters parameters = null;
        try {
            parameters = maker.get();
            parameters.owned.addAll(made);
            return parameters;
        } finally {
            if (parameters == null) {
                closeAll(made);
            }
        }
    }

    private static void closeAll(List<AutoCloseable> all) {
        for (AutoCloseable one : all) {
            switch (one) {
                case Buffer buffer -> buffer.close();
                case Weight weight -> weight.close();
                default -> throw new IllegalStateException("not a part of parameters: " + one);
            }
        }
    }

    /** Frees what was loaded for evaluation; an arena is its owner's. */
    @Override
    public void close() {
        closeAll(owned);
        owned.clear();
    }
}
