package sn9.engine;

import static sn9.engine.NativeFunction.ADAMW;
import static sn9.engine.NativeFunction.ADD_LAYERNORM_FORWARD;
import static sn9.engine.NativeFunction.ATTENTION_BACKWARD;
import static sn9.engine.NativeFunction.ATTENTION_FORWARD;
import static sn9.engine.NativeFunction.CAST;
import static sn9.engine.NativeFunction.CHECK_FINITE;
import static sn9.engine.NativeFunction.DROPOUT;
import static sn9.engine.NativeFunction.EMBED_BACKWARD;
import static sn9.engine.NativeFunction.EMBED_FORWARD;
import static sn9.engine.NativeFunction.FILL;
import static sn9.engine.NativeFunction.GELU_FORWARD;
import static sn9.engine.NativeFunction.GRAD_NORM;
import static sn9.engine.NativeFunction.HEAD_LOGITS;
import static sn9.engine.NativeFunction.HEAD_LOSS_BACKWARD;
import static sn9.engine.NativeFunction.HEAD_LOSS_FORWARD;
import static sn9.engine.NativeFunction.LAYERNORM_BACKWARD;
import static sn9.engine.NativeFunction.LAYERNORM_RECOMPUTE;
import static sn9.engine.NativeFunction.LINEAR_BACKWARD_INPUT;
import static sn9.engine.NativeFunction.LINEAR_BACKWARD_WEIGHT;
import static sn9.engine.NativeFunction.LINEAR_FORWARD;
import static sn9.engine.NativeFunction.MATMUL;
import static sn9.engine.NativeFunction.RELEASE_MAPPED;
import static sn9.engine.NativeFunction.SEQUENCE_MEAN;
import static sn9.engine.NativeFunction.WEIGHT_BYTES;
import static sn9.engine.NativeFunction.WEIGHT_PREPARE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.LongConsumer;
import sn9.tensor.ElementType;

/** {@link Ops} as downcalls: checks that every buffer holds its shape, then passes addresses. */
final class NativeOps implements Ops {
    private static final int LINEAR = 0;
    private static final int EMBEDDING = 1;

    private final NativeEngine engine;
    private final OpsLibrary lib;

    NativeOps(NativeEngine engine) {
        this.engine = engine;
        this.lib = engine.library;
    }

    @Override
    public Weight weight(Allocator memory, String label, long rows, long cols, Weight.Kind kind) {
        Buffer storage = memory.allocate(label, storageBytes(rows, cols, kind));
        return new Weight(label, rows, cols, kind, struct(), storage);
    }

    @Override
    public void prepare(Weight to, MemorySegment source, ElementType type) {
        expectSource(to.label(), source, type, Math.multiplyExact(to.rows(), to.cols()));
        long struct = to.address();
        long storage = to.storage().address();
        int kind = code(to.kind());
        onDevice(
                source,
                address -> engine.call(() -> (int) lib.get(WEIGHT_PREPARE)
                        .invokeExact(context(), struct, storage, address, type.code(), to.rows(), to.cols(), kind, 0)));
    }

    private static MemorySegment struct() {
        return Arena.ofAuto().allocate(Weight.STRUCT_BYTES, 8);
    }

    private long storageBytes(long rows, long cols, Weight.Kind kind) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(ValueLayout.JAVA_LONG);
            engine.call(() ->
                    (int) lib.get(WEIGHT_BYTES).invokeExact(context(), bytes.address(), rows, cols, code(kind), 0));
            return bytes.get(ValueLayout.JAVA_LONG, 0);
        }
    }

    @Override
    public Weight trainedWeight(Buffer source, Buffer copy, long rows, long cols, Weight.Kind kind) {
        String op = "trained weight " + source.label();
        long address = f32(op, source, rows * cols);
        long storage = copy == null ? 0L : act(op, copy, rows * cols);
        MemorySegment struct = struct();
        engine.call(() -> (int) lib.get(WEIGHT_PREPARE)
                .invokeExact(
                        context(),
                        struct.address(),
                        storage,
                        address,
                        ElementType.F32.code(),
                        rows,
                        cols,
                        code(kind),
                        1));
        return new Weight(source.label(), rows, cols, kind, struct, null);
    }

    @Override
    public void embedForward(Buffer out, Buffer tokens, Weight wte, Buffer wpe, int B, int T, int C) {
        long N = (long) B * T;
        String op = "embed_forward";
        engine.call(() -> (int) lib.get(EMBED_FORWARD)
                .invokeExact(
                        context(),
                        act(op, out, N * C),
                        f32(op, tokens, N),
                        wte.address(),
                        f32(op, wpe, (long) T * C),
                        (long) B,
                        (long) T,
                        (long) C));
    }

    @Override
    public void embedBackward(Buffer dwte, Buffer dwpe, Buffer dout, Buffer tokens, int B, int T, int C, int V) {
        long N = (long) B * T;
        String op = "embed_backward";
        engine.call(() -> (int) lib.get(EMBED_BACKWARD)
                .invokeExact(
                        context(),
                        f32(op, dwte, (long) V * C),
                        f32(op, dwpe, (long) T * C),
                        act(op, dout, N * C),
                        f32(op, tokens, N),
                        (long) B,
                        (long) T,
                        (long) C,
                        (long) V));
    }

    @Override
    public void dropout(
            Buffer out,
            Buffer in,
            Buffer residual,
            StepBlock step,
            float probability,
            int layer,
            DropoutSite site,
            int N,
            int C,
            int trueC) {
        String op = "dropout";
        long n = (long) N * C;
        engine.call(() -> (int) lib.get(DROPOUT)
                .invokeExact(
                        context(),
                        act(op, out, n),
                        act(op, in, n),
                        optionalAct(op, residual, n),
                        step.device().address(),
                        probability,
                        layer,
                        site.ordinal(),
                        (long) N,
                        (long) C,
                        (long) trueC));
    }

    @Override
    public void linearForward(
            Buffer out, Buffer pre, Buffer in, Weight w, Buffer bias, Buffer residual, Activation activation, int N) {
        String op = "linear_forward of " + w.label();
        long size = N * w.cols();
        engine.call(() -> (int) lib.get(LINEAR_FORWARD)
                .invokeExact(
                        context(),
                        act(op, out, size),
                        optionalAct(op, pre, size),
                        act(op, in, N * w.rows()),
                        w.address(),
                        optional(op, bias, w.cols()),
                        optionalAct(op, residual, size),
                        activation.ordinal(),
                        (long) N));
    }

    @Override
    public void linearBackwardInput(Buffer din, Buffer dout, Weight w, Buffer pre, Activation activation, int N) {
        String op = "linear_backward_input of " + w.label();
        engine.call(() -> (int) lib.get(LINEAR_BACKWARD_INPUT)
                .invokeExact(
                        context(),
                        act(op, din, N * w.rows()),
                        act(op, dout, N * w.cols()),
                        w.address(),
                        optionalAct(op, pre, N * w.rows()),
                        activation.ordinal(),
                        0,
                        (long) N));
    }

    @Override
    public void linearBackwardWeight(Buffer dw, Buffer db, Buffer in, Buffer dout, int N, int C, int OC) {
        String op = "linear_backward_weight";
        engine.call(() -> (int) lib.get(LINEAR_BACKWARD_WEIGHT)
                .invokeExact(
                        context(),
                        f32(op, dw, (long) C * OC),
                        optional(op, db, OC),
                        act(op, in, (long) N * C),
                        act(op, dout, (long) N * OC),
                        (long) N,
                        (long) C,
                        (long) OC));
    }

    @Override
    public void addLayernormForward(
            Buffer sum,
            Buffer out,
            Buffer mean,
            Buffer rstd,
            Buffer a,
            Buffer b,
            Buffer w,
            Buffer bias,
            float epsilon,
            int N,
            int C,
            int trueC) {
        String op = "add_layernorm_forward";
        long size = (long) N * C;
        engine.call(() -> (int) lib.get(ADD_LAYERNORM_FORWARD)
                .invokeExact(
                        context(),
                        optionalAct(op, sum, size),
                        act(op, out, size),
                        f32(op, mean, N),
                        f32(op, rstd, N),
                        act(op, a, size),
                        optionalAct(op, b, size),
                        f32(op, w, C),
                        f32(op, bias, C),
                        epsilon,
                        (long) N,
                        (long) C,
                        (long) trueC));
    }

    @Override
    public void layernormRecompute(
            Buffer out, Buffer in, Buffer mean, Buffer rstd, Buffer w, Buffer bias, int N, int C, int trueC) {
        String op = "layernorm_recompute";
        long size = (long) N * C;
        engine.call(() -> (int) lib.get(LAYERNORM_RECOMPUTE)
                .invokeExact(
                        context(),
                        act(op, out, size),
                        act(op, in, size),
                        f32(op, mean, N),
                        f32(op, rstd, N),
                        f32(op, w, C),
                        f32(op, bias, C),
                        (long) N,
                        (long) C,
                        (long) trueC));
    }

    @Override
    public void layernormBackward(
            Buffer din,
            Buffer dw,
            Buffer db,
            Buffer dout,
            Buffer in,
            Buffer mean,
            Buffer rstd,
            Buffer w,
            int N,
            int C,
            int trueC) {
        String op = "layernorm_backward";
        long size = (long) N * C;
        engine.call(() -> (int) lib.get(LAYERNORM_BACKWARD)
                .invokeExact(
                        context(),
                        act(op, din, size),
                        f32(op, dw, C),
                        f32(op, db, C),
                        act(op, dout, size),
                        act(op, in, size),
                        f32(op, mean, N),
                        f32(op, rstd, N),
                        f32(op, w, C),
                        (long) N,
                        (long) C,
                        (long) trueC));
    }

    @Override
    public void geluForward(Buffer out, Buffer pre, long n) {
        String op = "gelu_forward";
        engine.call(() -> (int) lib.get(GELU_FORWARD).invokeExact(context(), act(op, out, n), act(op, pre, n), n));
    }

    @Override
    public void attentionForward(
            Buffer out,
            Buffer lse,
            Buffer qkv,
            StepBlock step,
            float dropout,
            int layer,
            float scale,
            int B,
            int T,
            int NH,
            int HS) {
        String op = "attention_forward";
        long size = (long) B * T * NH * HS;
        engine.call(() -> (int) lib.get(ATTENTION_FORWARD)
                .invokeExact(
                        context(),
                        act(op, out, size),
                        optional(op, lse, (long) B * NH * T),
                        act(op, qkv, 3 * size),
                        step == null ? 0L : step.device().address(),
                        dropout,
                        layer,
                        scale,
                        (long) B,
                        (long) T,
                        (long) NH,
                        (long) HS));
    }

    @Override
    public void attentionBackward(
            Buffer dqkv,
            Buffer dout,
            Buffer out,
            Buffer qkv,
            Buffer lse,
            StepBlock step,
            float dropout,
            int layer,
            float scale,
            int B,
            int T,
            int NH,
            int HS) {
        String op = "attention_backward";
        long size = (long) B * T * NH * HS;
        engine.call(() -> (int) lib.get(ATTENTION_BACKWARD)
                .invokeExact(
                        context(),
                        act(op, dqkv, 3 * size),
                        act(op, dout, size),
                        act(op, out, size),
                        act(op, qkv, 3 * size),
                        f32(op, lse, (long) B * NH * T),
                        step == null ? 0L : step.device().address(),
                        dropout,
                        layer,
                        scale,
                        (long) B,
                        (long) T,
                        (long) NH,
                        (long) HS));
    }

    @Override
    public void headLossForward(Buffer losses, Buffer in, Weight wte, Buffer targets, int N, int trueV) {
        String op = "head_loss_forward";
        engine.call(() -> (int) lib.get(HEAD_LOSS_FORWARD)
                .invokeExact(
                        context(),
                        f32(op, losses, N),
                        act(op, in, N * wte.cols()),
                        wte.address(),
                        f32(op, targets, N),
                        (long) N,
                        (long) trueV));
    }

    @Override
    public void headLossBackward(
            Buffer losses,
            Buffer din,
            Buffer dwte,
            Buffer in,
            Weight wte,
            Buffer targets,
            StepBlock step,
            int N,
            int trueV) {
        String op = "head_loss_backward";
        engine.call(() -> (int) lib.get(HEAD_LOSS_BACKWARD)
                .invokeExact(
                        context(),
                        f32(op, losses, N),
                        act(op, din, N * wte.cols()),
                        f32(op, dwte, wte.rows() * wte.cols()),
                        act(op, in, N * wte.cols()),
                        wte.address(),
                        f32(op, targets, N),
                        step.device().address(),
                        (long) N,
                        (long) trueV));
    }

    @Override
    public void headLogits(Buffer logits, Buffer in, Weight wte, Buffer rows, int n, int trueV) {
        String op = "head_logits";
        engine.call(() -> (int) lib.get(HEAD_LOGITS)
                .invokeExact(
                        context(),
                        f32(op, logits, (long) n * trueV),
                        act(op, in, wte.cols()),
                        wte.address(),
                        f32(op, rows, n),
                        (long) n,
                        (long) trueV));
    }

    @Override
    public void sequenceMean(Buffer means, Buffer losses, Buffer targets, int B, int T) {
        String op = "sequence_mean";
        long N = (long) B * T;
        engine.call(() -> (int) lib.get(SEQUENCE_MEAN)
                .invokeExact(
                        context(), f32(op, means, 2L * B), f32(op, losses, N), f32(op, targets, N), (long) B, (long)
                                T));
    }

    @Override
    public void gradNorm(StepBlock step, Buffer grads, long n) {
        engine.call(() -> (int)
                lib.get(GRAD_NORM).invokeExact(context(), step.device().address(), f32("grad_norm", grads, n), n));
    }

    @Override
    public void adamw(
            Buffer params, Buffer m, Buffer v, Buffer copy, Buffer grads, StepBlock step, long decayed, long n) {
        String op = "adamw";
        engine.call(() -> (int) lib.get(ADAMW)
                .invokeExact(
                        context(),
                        f32(op, params, n),
                        f32(op, m, n),
                        f32(op, v, n),
                        copy == null ? 0L : act(op, copy, n),
                        f32(op, grads, n),
                        step.device().address(),
                        decayed,
                        n));
    }

    @Override
    public void load(Buffer to, MemorySegment from, ElementType type, long n) {
        expectSource(to.label(), from, type, n);
        onDevice(
                from,
                address -> engine.call(() -> (int) lib.get(CAST)
                        .invokeExact(context(), f32("cast", to, n), ElementType.F32.code(), address, type.code(), n)));
    }

    /** Hands the device address of a host tensor's bytes to an action: its own, or that of a copy for the time being. */
    private void onDevice(MemorySegment source, LongConsumer action) {
        if (engine.hostMemory()) {
            action.accept(source.address());
        } else {
            Buffer copy = engine.raw(source.byteSize());
            engine.upload(copy, source);
            action.accept(copy.address());
        }
        releaseMapped(source);
    }

    @Override
    public void fill(Buffer to, float value, long n) {
        engine.call(() -> (int) lib.get(FILL).invokeExact(context(), f32("fill", to, n), value, n));
    }

    @Override
    public void clear(Buffer to) {
        if (to.bytes() % Float.BYTES != 0) {
            throw new IllegalArgumentException("clear: " + to + " is no multiple of 4 bytes");
        }
        fill(to, 0, to.floats());
    }

    @Override
    public long firstNotFinite(MemorySegment from, ElementType type, long n) {
        expectSource("check_finite", from, type, n);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment first = arena.allocate(ValueLayout.JAVA_LONG);
            engine.call(() -> (int)
                    lib.get(CHECK_FINITE).invokeExact(context(), first.address(), from.address(), type.code(), n));
            releaseMapped(from);
            return first.get(ValueLayout.JAVA_LONG, 0);
        }
    }

    @Override
    public boolean matmul(Buffer out, Buffer a, Buffer b, int M, int K, int N, boolean onednn) {
        String op = "matmul";
        try {
            int status = (int) lib.get(MATMUL)
                    .invokeExact(
                            context(),
                            f32(op, out, (long) M * N),
                            f32(op, a, (long) M * K),
                            f32(op, b, (long) K * N),
                            (long) M,
                            (long) K,
                            (long) N,
                            onednn ? 1 : 0);
            if (status == OpsLibrary.UNSUPPORTED) {
                return false;
            }
            lib.check(status);
            return true;
        } catch (Throwable e) {
            throw OpsLibrary.unexpected(e);
        }
    }

    private long context() {
        return engine.context();
    }

    /** The address of a buffer of at least {@code elements} 4-byte elements. */
    private static long f32(String op, Buffer buffer, long elements) {
        if (buffer.floats() < elements) {
            throw new IllegalArgumentException(
                    op + ": " + buffer.label() + " has " + buffer.floats() + " elements, needs " + elements);
        }
        return buffer.address();
    }

    /** The address of a buffer of at least {@code elements} elements of the activation type. */
    private long act(String op, Buffer buffer, long elements) {
        long found = buffer.bytes() / engine.activationType().bytes();
        if (found < elements) {
            throw new IllegalArgumentException(
                    op + ": " + buffer.label() + " has " + found + " elements, needs " + elements);
        }
        return buffer.address();
    }

    private long optionalAct(String op, Buffer buffer, long elements) {
        return buffer == null ? 0L : act(op, buffer, elements);
    }

    private static long optional(String op, Buffer buffer, long elements) {
        return buffer == null ? 0L : f32(op, buffer, elements);
    }

    private static void expectSource(String what, MemorySegment source, ElementType type, long elements) {
        if (!source.isNative() || !type.isFloat() || source.byteSize() < elements * type.bytes()) {
            throw new IllegalArgumentException(what + ": needs " + elements + " " + type + " elements in native memory,"
                    + " got " + source.byteSize() + " bytes");
        }
    }

    /** A file's pages are not needed once they are copied: memory then holds one copy of a model. */
    private void releaseMapped(MemorySegment source) {
        if (source.isMapped()) {
            engine.call(() -> (int) lib.get(RELEASE_MAPPED).invokeExact(source.address(), source.byteSize()));
        }
    }

    private static int code(Weight.Kind kind) {
        return kind == Weight.Kind.EMBEDDING ? EMBEDDING : LINEAR;
    }
}
