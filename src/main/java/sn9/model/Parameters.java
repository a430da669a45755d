package sn9.model;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Function;
import sn9.engine.Buffer;
import sn9.engine.BufferArena;
import sn9.engine.Engine;
import sn9.engine.Weight;
import sn9.tensor.ElementType;
import sn9.tensor.TensorView;

/**
 * The parameters of a GPT-2 on a device, by the names the graph uses. For training all lie in one arena, which the
 * optimiser updates in place; for evaluation matrices are held only in the library's prepared form, in places that one
 * model after another of the same shape can be loaded into.
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
    private final Gpt2Config config;
    private Places places; // null for an arena that is being trained
    private BufferArena owned; // null for memory of the caller's

    /** Where a tensor on the device comes from. */
    private interface Source {
        Buffer buffer(String name);

        Weight weight(String name, Weight.Kind kind);
    }

    private Parameters(Gpt2Config config, Source source) {
        this.config = config;
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

    /** Places for the parameters to evaluate with, in one arena; contents undefined until loaded. */
    private static final class Places implements Source {
        private final Engine engine;
        private final ParameterLayout layout;
        private final BufferArena memory;
        private final Map<String, Buffer> buffers = new HashMap<>();
        private final Map<String, Weight> weights = new HashMap<>();

        Places(Engine engine, Gpt2Config config, BufferArena memory) {
            this.engine = engine;
            this.layout = new ParameterLayout(config, engine.padding(), false);
            this.memory = memory;
        }

        @Override
        public Buffer buffer(String name) {
            Buffer buffer = memory.allocate(name, layout.slot(name).elements() * Float.BYTES);
            buffers.put(name, buffer);
            return buffer;
        }

        @Override
        public Weight weight(String name, Weight.Kind kind) {
            long[] shape = layout.slot(name).memoryShape();
            Weight weight = engine.ops().weight(memory, name, shape[0], shape[1], kind);
            weights.put(name, weight);
            return weight;
        }

        void load(String name, TensorView tensor) {
            ParameterLayout.Slot slot = layout.slot(name);
            Weight weight = weights.get(name);
            if (weight == null) {
                Parameters.load(engine, slot, tensor, buffers.get(name));
            } else {
                inMemory(slot, tensor, (data, type) -> engine.ops().prepare(weight, data, type));
            }
        }
    }

    /**
     * Places to load models of one shape into, and to evaluate them from; contents undefined until every tensor has been
     * given to {@link #load(String, TensorView)}.
     *
     * @param memory an empty arena, which stays the caller's: after its reset these parameters are gone
     */
    public static Parameters places(Engine engine, Gpt2Config config, BufferArena memory) {
        var places = new Places(engine, config, memory);
        var parameters = new Parameters(config, places);
        parameters.places = places;
        memory.commit();
        return parameters;
    }

    /**
     * Parameters to evaluate one model with.
     *
     * @param tensors the model's tensors by Hugging Face name, in any float type
     */
    public static Parameters forEvaluation(Engine engine, Gpt2Config config, Function<String, TensorView> tensors) {
        var memory = new BufferArena(engine, "parameters");
        boolean whole = false;
        try {
            Parameters parameters = places(engine, config, memory);
            parameters.owned = memory;
            for (String name : parameters.names()) {
                parameters.load(name, tensors.apply(name));
            }
            whole = true;
            return parameters;
        } finally {
            if (!whole) {
                memory.close();
            }
        }
    }

    /** The tensors to load, in the order of the graph. */
    public List<String> names() {
        return ParameterShapes.of(config).keySet().stream().toList();
    }

    /**
     * Copies a tensor to its place, in its prepared form, in the selected stream. The pages of a mapped source are released,
     * so that memory holds one copy.
     *
     * @param tensor in any float type
     */
    public void load(String name, TensorView tensor) {
        places.load(name, tensor);
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

    /** Frees what {@link #forEvaluation} allocated; all other memory is its owner's. */
    @Override
    public void close() {
        if (owned != null) {
            owned.close();
        }
    }
}
