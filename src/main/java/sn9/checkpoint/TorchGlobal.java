package sn9.checkpoint;

import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The names that a pickled state dict may refer to, compared as text and never looked up as code: the closed list of
 * spec/hub.md 7, a part of what pytorch/pytorch:torch/_weights_only_unpickler.py allows.
 */
enum TorchGlobal {
    ORDERED_DICT("collections OrderedDict", null, 0),
    SIZE("torch Size", null, 0),
    REBUILD_TENSOR("torch._utils _rebuild_tensor_v2", null, 0),
    REBUILD_PARAMETER("torch._utils _rebuild_parameter", null, 0),
    FLOAT("torch FloatStorage", "F32", 4),
    DOUBLE("torch DoubleStorage", "F64", 8),
    HALF("torch HalfStorage", "F16", 2),
    BFLOAT16("torch BFloat16Storage", "BF16", 2),
    LONG("torch LongStorage", "I64", 8),
    INT("torch IntStorage", "I32", 4),
    SHORT("torch ShortStorage", "I16", 2),
    CHAR("torch CharStorage", "I8", 1),
    BYTE("torch ByteStorage", "U8", 1),
    BOOL("torch BoolStorage", "BOOL", 1),
    UNTYPED("torch.storage UntypedStorage", "U8", 1);

    private static final Map<String, TorchGlobal> BY_NAME =
            Stream.of(values()).collect(Collectors.toUnmodifiableMap(global -> global.qualified, Function.identity()));

    private final String qualified;
    private final String dtype;
    private final int elementBytes;

    TorchGlobal(String qualified, String dtype, int elementBytes) {
        this.qualified = qualified;
        this.dtype = dtype;
        this.elementBytes = elementBytes;
    }

    /** The global of a module and a name, empty where it is none of these. */
    static Optional<TorchGlobal> named(String module, String name) {
        return Optional.ofNullable(BY_NAME.get(module + " " + name));
    }

    /** Module and name, a blank between. */
    String qualified() {
        return qualified;
    }

    /** The element type of a class of storages by safetensors' name, null for any other global. */
    String dtype() {
        return dtype;
    }

    /** Bytes of one element of a class of storages. */
    int elementBytes() {
        return elementBytes;
    }
}
