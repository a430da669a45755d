package sn9.checkpoint;

import java.util.Map;
import sn9.tensor.TensorView;

/**
 * A file of named tensors, mapped into memory: opening reads and checks what describes them, tensors are views of the
 * mapping. May be used from any thread, but none may read a view while another closes the file.
 */
public sealed interface TensorFile extends AutoCloseable permits Safetensors, TorchPickle {
    /** Name to tensor, readable until {@link #close}. */
    Map<String, TensorView> tensors();

    /**
     * Name to dtype of the tensors whose dtype {@link sn9.tensor.ElementType} does not know, such as I8. Their sizes are
     * checked like all others, and they are in no other way accessible.
     */
    Map<String, String> otherTensors();

    /** Unmaps the file; its views must not be read any more. */
    @Override
    void close();
}
