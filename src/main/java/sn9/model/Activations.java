package sn9.model;

import sn9.engine.Allocator;
import sn9.engine.Buffer;
import sn9.tensor.ElementType;

/**
 * The activations of one forward pass. Training keeps, per layer, what the backward pass cannot cheaply make again:
 * 10*N*C elements; layernorm and GELU outputs are recomputed. Evaluation shares one set among all layers.
 */
final class Activations {
    /** One layer's. N = B*T rows. */
    record Layer(
            Buffer x, // (N, C) residual stream entering the layer
            Buffer ln1mean, // (N)
            Buffer ln1rstd, // (N)
            Buffer qkv, // (N, 3*A), A the width of all heads
            Buffer att, // (N, A)
            Buffer lse, // (B, NH, T); null in evaluation
            Buffer mid, // (N, C) residual stream between attention and MLP
            Buffer ln2mean, // (N)
            Buffer ln2rstd, // (N)
            Buffer fc // (N, F) before GELU; null in evaluation
            ) {}

    final Buffer tokens; // (N) i32
    final Buffer targets; // (N) i32
    final Layer[] layers;
    final Buffer x; // (N, C) residual stream leaving the last layer
    final Buffer lnfmean; // (N)
    final Buffer lnfrstd; // (N)
    final Buffer ln; // (N, C) output of the latest layernorm
    final Buffer gelu; // (N, F) output of the latest GELU
    final Buffer losses; // (N)
    final Buffer means; // (B) f64
    private final Allocator memory;
    private final ElementType type;

    Activations(Allocator memory, ElementType type, Sizes sizes, int B, int T, boolean training) {
        this.memory = memory;
        this.type = type;
        long N = (long) B * T;
        long C = sizes.C();
        long A = sizes.A();
        long F = sizes.F();
        tokens = floats("tokens", N);
        targets = floats("targets", N);
        ln = activations("ln", N * C);
        gelu = activations("gelu", N * F);
        losses = floats("losses", N);
        means = floats("means", 2L * B);
        lnfmean = floats("lnf mean", N);
        lnfrstd = floats("lnf rstd", N);
        layers = new Layer[sizes.L()];
        for (int l = 0; l < layers.length; l++) {
            layers[l] = l == 0 || training
                    ? new Layer(
                            activations("x", N * C),
                            floats("ln1 mean", N),
                            floats("ln1 rstd", N),
                            activations("qkv", N * 3 * A),
                            activations("att", N * A),
                            training ? floats("lse", (long) B * sizes.NH() * T) : null,
                            activations("mid", N * C),
                            floats("ln2 mean", N),
                            floats("ln2 rstd", N),
                            training ? activations("fc", N * F) : null)
                    : layers[0];
        }
        // In evaluation a layer's output takes the place of its input, which nobody needs any more.
        x = training ? activations("x", N * C) : layers[0].x();
    }

    /** Where layer l's output goes: the input of the next. */
    Buffer output(int l) {
        return l + 1 < layers.length ? layers[l + 1].x() : x;
    }

    private Buffer activations(String label, long elements) {
        return memory.allocate(label, elements * type.bytes());
    }

    private Buffer floats(String label, long elements) {
        return memory.allocate(label, elements * Float.BYTES);
    }
}
