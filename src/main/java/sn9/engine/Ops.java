package sn9.engine;

import java.lang.foreign.MemorySegment;
import sn9.tensor.ElementType;

/**
 * The operations of the GPT-2 graph, one method for each function of {@code sn9_ops.h}, which states the formulas. Sizes:
 * B batch, T sequence, C channels, NH heads, HS head size, V vocabulary, N = B*T rows, OC output channels. Tensors are
 * row-major; activations and their gradients are of the engine's activation type, all else f32 unless said otherwise. Sizes
 * are those in memory, {@code trueC} and {@code trueV} those that count. Outputs are assigned (=) unless they are said to accumulate (+=).
 *
 * <p>Arguments: outputs, inputs, parameters, sizes. A buffer too small for its shape is an
 * {@link IllegalArgumentException}; a failure of the device is an {@link EngineException}.
 */
public interface Ops {
    /** What a linear layer does to its sum before the residual is added. */
    enum Activation {
        NONE,
        GELU
    }

    /** Places of dropout in a layer; the numbers are part of the random counter. */
    enum DropoutSite {
        EMBED,
        ATTENTION,
        ATTENTION_PROJECTION,
        MLP
    }

    /** A place for a matrix to evaluate with, its memory from {@code memory}; to be filled by {@link #prepare}. */
    Weight weight(Allocator memory, String label, long rows, long cols, Weight.Kind kind);

    /**
     * Makes a matrix on the host ready for evaluation.
     *
     * @param to made by {@link #weight}
     * @param source [rows, cols] of {@code type}, not needed afterwards
     */
    void prepare(Weight to, MemorySegment source, ElementType type);

    /**
     * A matrix in device memory that is being trained: read in place, or from a copy that {@link #adamw} keeps up to date.
     *
     * @param source [rows, cols] f32
     * @param copy [rows, cols] of the activation type, filled by this call; null where {@link Engine#activationType} is f32
     */
    Weight trainedWeight(Buffer source, Buffer copy, long rows, long cols, Weight.Kind kind);

    /** out = wte[tokens] + wpe[0..T-1]. out (N, C); tokens (N) i32 in [0, V); wpe (P, C), P at least T. */
    void embedForward(Buffer out, Buffer tokens, Weight wte, Buffer wpe, int B, int T, int C);

    /** dwte[tokens] += dout; dwpe += dout summed over B. dout (N, C); dwte (V, C); dwpe (P, C). */
    void embedBackward(Buffer dwte, Buffer dwpe, Buffer dout, Buffer tokens, int B, int T, int C, int V);

    /** out = residual + in * mask / (1 - probability); residual may be null. out, in, residual (N, C). */
    void dropout(
            Buffer out,
            Buffer in,
            Buffer residual,
            StepBlock step,
            float probability,
            int layer,
            DropoutSite site,
            int N,
            int C,
            int trueC);

    /**
     * out = activation(in * w + bias) + residual. out, pre, residual (N, OC); in (N, C); w (C, OC); bias (OC). pre, when not
     * null, keeps in * w + bias. bias and residual may be null; residual must not be out.
     */
    void linearForward(
            Buffer out, Buffer pre, Buffer in, Weight w, Buffer bias, Buffer residual, Activation activation, int N);

    /** din = (dout * w^T) * activation'(pre). din, pre (N, C); dout (N, OC). pre is null without an activation. */
    void linearBackwardInput(Buffer din, Buffer dout, Weight w, Buffer pre, Activation activation, int N);

    /** dw += in^T * dout; db += column sums of dout. dw (C, OC); db (OC) or null; in (N, C); dout (N, OC). */
    void linearBackwardWeight(Buffer dw, Buffer db, Buffer in, Buffer dout, int N, int C, int OC);

    /**
     * sum = a + b; out = (sum - mean) * rstd * w + bias, per row. sum, out, a, b (N, C); mean, rstd (N). b and sum may both
     * be null: then a is normalised. The mean is over the first trueC columns, here and below.
     */
    void addLayernormForward(
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
            int trueC);

    /** out = (in - mean) * rstd * w + bias: the bits of the forward pass again, from its statistics. */
    void layernormRecompute(
            Buffer out, Buffer in, Buffer mean, Buffer rstd, Buffer w, Buffer bias, int N, int C, int trueC);

    /** din +=, dw +=, db +=. din, dout, in (N, C); dw, db, w (C). */
    void layernormBackward(
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
            int trueC);

    /** out = gelu(pre), tanh form. out, pre (n). */
    void geluForward(Buffer out, Buffer pre, long n);

    /**
     * Causal attention with scores q.k * scale. out (B, T, NH*HS); lse (B, NH, T) or null; qkv (B, T, 3*NH*HS). step may be null without dropout.
     */
    void attentionForward(
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
            int HS);

    /** dqkv = gradient. dqkv, qkv (B, T, 3*NH*HS); dout, out (B, T, NH*HS); lse (B, NH, T). */
    void attentionBackward(
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
            int HS);

    /**
     * losses = cross-entropy in nats, 0 where a target is negative. losses, targets (N); in (N, C); wte (V, C), of which the
     * first trueV rows are words, here and below.
     */
    void headLossForward(Buffer losses, Buffer in, Weight wte, Buffer targets, int N, int trueV);

    /** As {@link #headLossForward}, with gradients of the step's loss scale times the sum: din =, dwte +=. */
    void headLossBackward(
            Buffer losses,
            Buffer din,
            Buffer dwte,
            Buffer in,
            Weight wte,
            Buffer targets,
            StepBlock step,
            int N,
            int trueV);

    /** logits = in[rows] * wte^T. logits (n, trueV) f32; rows (n) i32; in (N, C). */
    void headLogits(Buffer logits, Buffer in, Weight wte, Buffer rows, int n, int trueV);

    /** means[b] = mean loss of sequence b over its targets, 0 when it has none. means (B) f64; losses, targets (N). */
    void sequenceMean(Buffer means, Buffer losses, Buffer targets, int B, int T);

    /** Leaves the root of the sum of squares of grads (n) in the step block, and whether it is finite. */
    void gradNorm(StepBlock step, Buffer grads, long n);

    /**
     * One AdamW step with clipping; the first {@code decayed} of n parameters decay. params, m, v, grads (n) f32; copy (n) of
     * the activation type, or null.
     */
    void adamw(Buffer params, Buffer m, Buffer v, Buffer copy, Buffer grads, StepBlock step, long decayed, long n);

    /** to (n, f32) = a host tensor of {@code type}, converted. */
    void load(Buffer to, MemorySegment from, ElementType type, long n);

    /** to (n) = value. */
    void fill(Buffer to, float value, long n);

    /** Makes every element of a buffer zero, whatever their type. */
    void clear(Buffer to);

    /** Index of the first NaN or infinity of a host tensor of n elements of {@code type}, or -1. */
    long firstNotFinite(MemorySegment from, ElementType type, long n);

    /** out (M, N) = a (M, K) * b (K, N) by our kernels or oneDNN's; false when the library has no oneDNN. */
    boolean matmul(Buffer out, Buffer a, Buffer b, int M, int K, int N, boolean onednn);
}
