package sn9.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/**
 * The functions of {@code sn9_device.h} and {@code sn9_ops.h} bound through FFM: the only class to see method handles.
 * Pointers travel as longs. A status other than SN9_OK becomes an exception with the library's own sentence.
 */
final class OpsLibrary {
    static final int ABI_VERSION = 4;

    private static final int BAD_ARGUMENT = 1;
    static final int UNSUPPORTED = 3;

    private final SymbolLookup symbols;
    private final Linker linker = Linker.nativeLinker();
    private final MethodHandle lastError;

    final MethodHandle deviceCount = bind("sn9_device_count", "P");
    final MethodHandle contextOpen = bind("sn9_context_open", "IIIP");
    final MethodHandle contextClose = bind("sn9_context_close", "P");
    final MethodHandle contextDescribe = bind("sn9_context_describe", "PPL");
    final MethodHandle contextReserve = bind("sn9_context_reserve", "PL");
    final MethodHandle trainingPass = bind("sn9_training_pass", "PI");
    final MethodHandle alloc = bind("sn9_alloc", "PLP");
    final MethodHandle free = bind("sn9_free", "PP");
    final MethodHandle upload = bind("sn9_upload", "PPPL");
    final MethodHandle download = bind("sn9_download", "PPPL");
    final MethodHandle copy = bind("sn9_copy", "PPPL");
    final MethodHandle pinnedAlloc = bind("sn9_pinned_alloc", "PLP");
    final MethodHandle pinnedFree = bind("sn9_pinned_free", "PP");
    final MethodHandle streamSelect = bind("sn9_stream_select", "PI");
    final MethodHandle eventCreate = bind("sn9_event_create", "PP");
    final MethodHandle eventFree = bind("sn9_event_free", "PP");
    final MethodHandle eventRecord = bind("sn9_event_record", "PP");
    final MethodHandle eventWait = bind("sn9_event_wait", "PP");
    final MethodHandle eventSynchronize = bind("sn9_event_synchronize", "PP");
    final MethodHandle captureBegin = bind("sn9_capture_begin", "P");
    final MethodHandle captureEnd = bind("sn9_capture_end", "PP");
    final MethodHandle graphLaunch = bind("sn9_graph_launch", "PP");
    final MethodHandle graphFree = bind("sn9_graph_free", "PP");
    final MethodHandle rangePush = bind("sn9_range_push", "PP");
    final MethodHandle rangePop = bind("sn9_range_pop", "P");
    final MethodHandle synchronize = bind("sn9_synchronize", "P");
    final MethodHandle releaseMapped = bind("sn9_release_mapped", "PL");

    final MethodHandle padding = bind("sn9_padding", "PPPP");
    final MethodHandle workspaceBytes = bind("sn9_workspace_bytes", "PPLLLLLLLI");
    final MethodHandle weightBytes = bind("sn9_weight_bytes", "PPLLII");
    final MethodHandle weightPrepare = bind("sn9_weight_prepare", "PPPPILLII");
    final MethodHandle embedForward = bind("sn9_embed_forward", "PPPPPLLL");
    final MethodHandle embedBackward = bind("sn9_embed_backward", "PPPPPLLLL");
    final MethodHandle dropout = bind("sn9_dropout", "PPPPPFIILLL");
    final MethodHandle linearForward = bind("sn9_linear_forward", "PPPPPPPIL");
    final MethodHandle linearBackwardInput = bind("sn9_linear_backward_input", "PPPPPIIL");
    final MethodHandle linearBackwardWeight = bind("sn9_linear_backward_weight", "PPPPPLLL");
    final MethodHandle addLayernormForward = bind("sn9_add_layernorm_forward", "PPPPPPPPPFLLL");
    final MethodHandle layernormRecompute = bind("sn9_layernorm_recompute", "PPPPPPPLLL");
    final MethodHandle layernormBackward = bind("sn9_layernorm_backward", "PPPPPPPPPLLL");
    final MethodHandle geluForward = bind("sn9_gelu_forward", "PPPL");
    final MethodHandle attentionForward = bind("sn9_attention_forward", "PPPPPFIFLLLL");
    final MethodHandle attentionBackward = bind("sn9_attention_backward", "PPPPPPPFIFLLLL");
    final MethodHandle headLossForward = bind("sn9_head_loss_forward", "PPPPPLL");
    final MethodHandle headLossBackward = bind("sn9_head_loss_backward", "PPPPPPPPLL");
    final MethodHandle headLogits = bind("sn9_head_logits", "PPPPPLL");
    final MethodHandle sequenceMean = bind("sn9_sequence_mean", "PPPPLL");
    final MethodHandle gradNorm = bind("sn9_grad_norm", "PPPL");
    final MethodHandle adamw = bind("sn9_adamw", "PPPPPPPLL");
    final MethodHandle cast = bind("sn9_cast", "PPIPIL");
    final MethodHandle fill = bind("sn9_fill", "PPFL");
    final MethodHandle checkFinite = bind("sn9_check_finite", "PPPIL");
    final MethodHandle matmul = bind("sn9_matmul", "PPPPLLLI");

    /**
     * Opens a library for the life of the process.
     *
     * @throws EngineException when it does not load or has another ABI
     */
    @SuppressWarnings("restricted")
    static OpsLibrary open(Path file) {
        SymbolLookup symbols;
        try {
            symbols = SymbolLookup.libraryLookup(file, Arena.global());
        } catch (IllegalArgumentException e) {
            throw new EngineException(
                    "the native library " + file + " does not load: " + e.getMessage()
                            + ". It needs Linux on x86-64 with glibc 2.34 or newer, and libgomp.so.1 beside it",
                    e);
        }
        return new OpsLibrary(symbols, file);
    }

    @SuppressWarnings("restricted")
    private OpsLibrary(SymbolLookup symbols, Path file) {
        this.symbols = symbols; // before super(), so that the handles' initialisers find it
        super();
        this.lastError = linker.downcallHandle(
                symbols.findOrThrow("sn9_last_error"), FunctionDescriptor.of(ValueLayout.ADDRESS));
        int version;
        try {
            version = (int) bind("sn9_abi_version", "").invokeExact();
        } catch (Throwable e) {
            throw new EngineException("sn9_abi_version failed in " + file, e);
        }
        if (version != ABI_VERSION) {
            throw new EngineException(file + " has ABI version " + version + ", this jar needs " + ABI_VERSION
                    + ": rebuild with ./mvnw package");
        }
    }

    /** P pointer, L int64, I int32, F float; every function returns an int32 status. */
    @SuppressWarnings("restricted")
    private MethodHandle bind(String name, String parameters) {
        var layouts = parameters
                .chars()
                .mapToObj(c -> (MemoryLayout)
                        switch (c) {
                            case 'P', 'L' -> ValueLayout.JAVA_LONG;
                            case 'I' -> ValueLayout.JAVA_INT;
                            case 'F' -> ValueLayout.JAVA_FLOAT;
                            default -> throw new IllegalArgumentException(name + ": " + (char) c);
                        })
                .toArray(MemoryLayout[]::new);
        return linker.downcallHandle(symbols.findOrThrow(name), FunctionDescriptor.of(ValueLayout.JAVA_INT, layouts));
    }

    /** Turns a status into the exception it stands for. */
    void check(int status) {
        if (status == BAD_ARGUMENT) {
            throw new IllegalArgumentException(lastError());
        }
        if (status != 0) {
            throw new EngineException(lastError());
        }
    }

    /** What the library says of this thread's last failed call. */
    @SuppressWarnings("restricted")
    String lastError() {
        try {
            return ((MemorySegment) lastError.invokeExact()).reinterpret(512).getString(0);
        } catch (Throwable e) {
            throw new EngineException("sn9_last_error failed", e);
        }
    }

    /** What a downcall may throw, which is nothing: the handles declare Throwable. */
    static EngineException unexpected(Throwable e) {
        if (e instanceof RuntimeException r) {
            throw r;
        }
        if (e instanceof Error error) {
            throw error;
        }
        return new EngineException("a native call failed", e);
    }
}
