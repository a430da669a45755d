package sn9.model;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;
import sn9.engine.Buffer;
import sn9.engine.BufferArena;
import sn9.engine.Engine;
import sn9.engine.Event;
import sn9.engine.HostBuffer;
import sn9.engine.Ops;
import sn9.engine.Ops.Activation;
import sn9.engine.Ops.DropoutSite;
import sn9.engine.Replay;
import sn9.engine.StepBlock;
import sn9.engine.Weight;

/**
 * GPT-2 as a fixed program over {@link Ops}: forward and backward for batches of B sequences of T tokens. Pre-LN, learned
 * positions, GELU in its tanh form, output head tied to the token embedding (subnet.md section 0, golden README).
 *
 * <p>Where the engine captures, a program is captured once for every set of parameters and then launched as a whole: tokens,
 * targets and the step block are read from device memory at every launch.
 */
public final class Gpt2 implements AutoCloseable {
    private final Engine engine;
    private final Ops ops;
    private final Gpt2Config config;
    private final int B;
    private final int T;
    private final int N;
    private final Sizes sizes;
    // The sizes of Sizes that nearly every operation takes.
    private final int C;
    private final int trueC;
    private final int A;
    private final int F;
    private final float scale;
    private final Activations acts;
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment ids; // (N) i32, host
    private final HostBuffer means; // (B) f64
    private final Event meansThere;
    private final BufferArena memory;
    private final BufferArena owned; // `memory`, or null where that is the caller's
    private final Map<Program, Replay> replays = new HashMap<>();
    // Gradients of activations; null in evaluation.
    private final Buffer dres; // (N, C) residual stream
    private final Buffer dbranch; // (N, C) what a branch received, where dropout makes it differ from dres; else null
    private final Buffer dln; // (N, C)
    private final Buffer datt; // (N, A)
    private final Buffer dqkv; // (N, 3*A)
    private final Buffer dfc; // (N, F)
    private final float dropout;

    /**
     * Allocates the activations for one shape.
     *
     * @param training whether {@link #backward} will be called
     * @param dropout probability in training, 0 for none
     * @throws IllegalArgumentException when T is beyond the model's positions
     */
    public Gpt2(Engine engine, Gpt2Config config, int B, int T, boolean training, double dropout) {
        this(engine, null, config, B, T, training, dropout);
    }

    /** As {@link #Gpt2(Engine, Gpt2Config, int, int, boolean, double)} for evaluation, in an empty arena of the caller's. */
    public static Gpt2 forEvaluation(Engine engine, BufferArena memory, Gpt2Config config, int B, int T) {
        return new Gpt2(engine, memory, config, B, T, false, 0);
    }

    private Gpt2(Engine engine, BufferArena shared, Gpt2Config config, int B, int T, boolean training, double dropout) {
        if (T > config.nPositions()) {
            throw new IllegalArgumentException(
                    "sequences of " + T + " tokens do not fit a model of n_positions = " + config.nPositions());
        }
        if (B < 1 || T < 1 || (long) B * T * 4 * config.nEmbd() > Integer.MAX_VALUE * 8L) {
            throw new IllegalArgumentException("a batch of B = " + B + ", T = " + T + " is out of range");
        }
        if (!(dropout >= 0 && dropout < 1)) {
            throw new IllegalArgumentException("dropout is " + dropout + ", expected 0 to below 1");
        }
        this.engine = engine;
        this.ops = engine.ops();
        this.config = config;
        this.B = B;
        this.T = T;
        this.N = B * T;
        this.sizes = Sizes.of(config, engine.padding());
        this.C = sizes.C();
        this.trueC = sizes.trueC();
        this.A = sizes.A();
        this.F = sizes.F();
        this.scale = sizes.attentionScale();
        this.dropout = training ? (float) dropout : 0;
        owned = shared == null ? new BufferArena(engine, "activations of B = " + B + ", T = " + T) : null;
        memory = shared == null ? owned : shared;
        acts = new Activations(memory, engine.activationType(), sizes, B, T, training);
        dres = training ? activations("dres", C) : null;
        dbranch = this.dropout > 0 ? activations("dbranch", C) : null;
        dln = training ? activations("dln", C) : null;
        datt = training ? activations("datt", A) : null;
        dqkv = training ? activations("dqkv", 3L * A) : null;
        dfc = training ? activations("dfc", F) : null;
        engine.reserve(B, T, C, sizes.NH(), sizes.HS(), F, sizes.V(), training);
        memory.commit();
        ids = arena.allocate(ValueLayout.JAVA_INT, N);
        means = engine.allocateHost("mean losses", (long) B * Double.BYTES);
        meansThere = engine.event("mean losses are there");
    }

    /** What a captured program holds on to: it is captured anew for any other. */
    private record Program(Parameters p, Gradients g, StepBlock step) {}

    /** Sequences per batch. */
    public int batchSize() {
        return B;
    }

    /** Tokens per sequence. */
    public int sequenceLength() {
        return T;
    }

    /**
     * The mean loss of each sequence, in nats over its targets that are not negative.
     *
     * @param tokens (B, T), each in [0, V)
     * @param targets (B, T), negative where nothing is predicted
     * @return (B)
     */
    public double[] losses(Parameters p, int[] tokens, int[] targets) {
        upload(acts.tokens, tokens, 0);
        upload(acts.targets, targets, Integer.MIN_VALUE);
        evaluate(p);
        requestMeans();
        return awaitMeans();
    }

    /**
     * The loss of each position, which a mean hides: those that {@link #losses} averages.
     *
     * @return (B, T), 0 where the target is negative
     */
    public float[] positionLosses(Parameters p, int[] tokens, int[] targets) {
        upload(acts.tokens, tokens, 0);
        upload(acts.targets, targets, Integer.MIN_VALUE);
        evaluate(p);
        try (Arena host = Arena.ofConfined()) {
            return engine.read(acts.losses, host).toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    /**
     * Asks for the losses of a batch that lies on the device, ids inside the vocabulary, and waits for nothing.
     *
     * @param tokens (B, T) i32
     * @param targets (B, T) i32
     * @param results (B) f64, assigned
     */
    public void enqueueLosses(Parameters p, Buffer tokens, Buffer targets, Buffer results) {
        engine.copy(acts.tokens, tokens, (long) N * Integer.BYTES);
        engine.copy(acts.targets, targets, (long) N * Integer.BYTES);
        evaluate(p);
        engine.copy(results, acts.means, (long) B * Double.BYTES);
    }

    /**
     * Asks for one forward and backward pass: gradients of the step's loss scale times the sum of losses accumulate (+=).
     * Its mean losses, with dropout where it is on, are for {@link #awaitMeans}.
     */
    public void enqueueGradients(Parameters p, Gradients g, StepBlock step, int[] tokens, int[] targets) {
        upload(acts.tokens, tokens, 0);
        upload(acts.targets, targets, Integer.MIN_VALUE);
        replay(
                "training pass",
                new Program(p, g, step),
                () -> engine.trainingPass(() -> {
                    forward(p, step);
                    ops.headLossBackward(
                            acts.losses, dln, g.dwte, acts.ln, p.wte, acts.targets, step, N, sizes.trueV());
                    backward(p, g, step);
                    ops.sequenceMean(acts.means, acts.losses, acts.targets, B, T);
                }));
        requestMeans();
    }

    /** As {@link #enqueueGradients}, and waits: (B) mean losses. */
    public double[] lossesAndGradients(Parameters p, Gradients g, StepBlock step, int[] tokens, int[] targets) {
        enqueueGradients(p, g, step, tokens, targets);
        return awaitMeans();
    }

    private void evaluate(Parameters p) {
        replay("evaluation", new Program(p, null, null), () -> {
            forward(p, null);
            ops.headLossForward(acts.losses, acts.ln, p.wte, acts.targets, N, sizes.trueV());
            ops.sequenceMean(acts.means, acts.losses, acts.targets, B, T);
        });
    }

    private void replay(String label, Program program, Runnable operations) {
        replays.computeIfAbsent(program, _ -> new Replay(engine, label, operations))
                .run();
    }

    /**
     * Logits of some positions after a forward pass over one batch.
     *
     * @param rows indices into the B*T positions
     * @return (rows, V)
     */
    public float[][] logits(Parameters p, int[] tokens, int[] rows) {
        upload(acts.tokens, tokens, 0);
        forward(p, null);
        int V = config.vocabSize();
        try (Buffer logits = engine.allocate("logits", (long) rows.length * V * Float.BYTES);
                Buffer positions = engine.allocate("rows", (long) rows.length * Integer.BYTES);
                Arena host = Arena.ofConfined()) {
            engine.upload(positions, host.allocateFrom(ValueLayout.JAVA_INT, rows));
            ops.headLogits(logits, acts.ln, p.wte, positions, rows.length, V);
            MemorySegment values = host.allocate(ValueLayout.JAVA_FLOAT, (long) rows.length * V);
            engine.download(values, logits);
            var result = new float[rows.length][V];
            for (int i = 0; i < rows.length; i++) {
                MemorySegment.copy(values, ValueLayout.JAVA_FLOAT, (long) i * V * Float.BYTES, result[i], 0, V);
            }
            return result;
        }
    }

    private void forward(Parameters p, StepBlock step) {
        float epsilon = config.layerNormEpsilon();
        Buffer first = acts.layers[0].x();
        ops.embedForward(first, acts.tokens, p.wte, p.wpe, B, T, C);
        drop(first, first, null, step, 0, DropoutSite.EMBED);
        for (int l = 0; l < acts.layers.length; l++) {
            Activations.Layer a = acts.layers[l];
            Parameters.Layer w = p.layers[l];
            ops.addLayernormForward(
                    null, acts.ln, a.ln1mean(), a.ln1rstd(), a.x(), null, w.ln1w(), w.ln1b(), epsilon, N, C, trueC);
            ops.linearForward(a.qkv(), null, acts.ln, w.qkvw(), w.qkvb(), null, Activation.NONE, N);
            ops.attentionForward(
                    a.att(), a.lse(), a.qkv(), step, dropout(step), l, scale, B, T, sizes.NH(), sizes.HS());
            addBranch(a.mid(), a.att(), w.attprojw(), w.attprojb(), a.x(), step, l, DropoutSite.ATTENTION_PROJECTION);
            ops.addLayernormForward(
                    null, acts.ln, a.ln2mean(), a.ln2rstd(), a.mid(), null, w.ln2w(), w.ln2b(), epsilon, N, C, trueC);
            ops.linearForward(acts.gelu, a.fc(), acts.ln, w.fcw(), w.fcb(), null, Activation.GELU, N);
            addBranch(acts.output(l), acts.gelu, w.fcprojw(), w.fcprojb(), a.mid(), step, l, DropoutSite.MLP);
        }
        ops.addLayernormForward(
                null, acts.ln, acts.lnfmean, acts.lnfrstd, acts.x, null, p.lnfw, p.lnfb, epsilon, N, C, trueC);
    }

    /** out = residual + dropout(in * w + bias). */
    private void addBranch(
            Buffer out, Buffer in, Weight w, Buffer bias, Buffer residual, StepBlock step, int l, DropoutSite site) {
        if (dropout(step) == 0) {
            ops.linearForward(out, null, in, w, bias, residual, Activation.NONE, N);
        } else {
            ops.linearForward(out, null, in, w, bias, null, Activation.NONE, N);
            drop(out, out, residual, step, l, site);
        }
    }

    /** dln holds the gradient of the final layernorm's output. Parameter gradients +=, the residual stream +=, others =. */
    private void backward(Parameters p, Gradients g, StepBlock step) {
        ops.clear(dres);
        ops.layernormBackward(dres, g.dlnfw, g.dlnfb, dln, acts.x, acts.lnfmean, acts.lnfrstd, p.lnfw, N, C, trueC);
        for (int l = acts.layers.length - 1; l >= 0; l--) {
            Activations.Layer a = acts.layers[l];
            Parameters.Layer w = p.layers[l];
            Gradients.Layer d = g.layers[l];
            Buffer dout = branchGradient(step, l, DropoutSite.MLP);
            ops.geluForward(acts.gelu, a.fc(), (long) N * F);
            ops.linearBackwardWeight(d.dfcprojw(), d.dfcprojb(), acts.gelu, dout, N, F, C);
            ops.linearBackwardInput(dfc, dout, w.fcprojw(), a.fc(), Activation.GELU, N);
            ops.layernormRecompute(acts.ln, a.mid(), a.ln2mean(), a.ln2rstd(), w.ln2w(), w.ln2b(), N, C, trueC);
            ops.linearBackwardWeight(d.dfcw(), d.dfcb(), acts.ln, dfc, N, C, F);
            ops.linearBackwardInput(dln, dfc, w.fcw(), null, Activation.NONE, N);
            ops.layernormBackward(
                    dres, d.dln2w(), d.dln2b(), dln, a.mid(), a.ln2mean(), a.ln2rstd(), w.ln2w(), N, C, trueC);

            dout = branchGradient(step, l, DropoutSite.ATTENTION_PROJECTION);
            ops.linearBackwardWeight(d.dattprojw(), d.dattprojb(), a.att(), dout, N, A, C);
            ops.linearBackwardInput(datt, dout, w.attprojw(), null, Activation.NONE, N);
            ops.attentionBackward(
                    dqkv, datt, a.att(), a.qkv(), a.lse(), step, dropout, l, scale, B, T, sizes.NH(), sizes.HS());
            ops.layernormRecompute(acts.ln, a.x(), a.ln1mean(), a.ln1rstd(), w.ln1w(), w.ln1b(), N, C, trueC);
            ops.linearBackwardWeight(d.dqkvw(), d.dqkvb(), acts.ln, dqkv, N, C, 3 * A);
            ops.linearBackwardInput(dln, dqkv, w.qkvw(), null, Activation.NONE, N);
            ops.layernormBackward(
                    dres, d.dln1w(), d.dln1b(), dln, a.x(), a.ln1mean(), a.ln1rstd(), w.ln1w(), N, C, trueC);
        }
        drop(dres, dres, null, step, 0, DropoutSite.EMBED);
        ops.embedBackward(g.dwte, g.dwpe, dres, acts.tokens, B, T, C, sizes.V());
    }

    /** The gradient of a branch before it joined the residual stream: dres through the branch's dropout. */
    private Buffer branchGradient(StepBlock step, int l, DropoutSite site) {
        if (dropout == 0) {
            return dres;
        }
        drop(dbranch, dres, null, step, l, site);
        return dbranch;
    }

    private void drop(Buffer out, Buffer in, Buffer residual, StepBlock step, int l, DropoutSite site) {
        if (dropout(step) > 0) {
            ops.dropout(out, in, residual, step, dropout, l, site, N, C, trueC);
        }
    }

    /** Evaluation passes no step block and drops nothing. */
    private float dropout(StepBlock step) {
        return step == null ? 0 : dropout;
    }

    private void requestMeans() {
        engine.download(means, acts.means);
        meansThere.record();
    }

    /** Waits for the mean losses of the latest batch: (B). */
    public double[] awaitMeans() {
        meansThere.synchronize();
        return means.memory().toArray(ValueLayout.JAVA_DOUBLE);
    }

    /** Forgets what was captured for parameters that are about to go. */
    public void forget(Parameters p) {
        replays.keySet().removeIf(program -> {
            boolean gone = program.p() == p;
            if (gone) {
                replays.get(program).close();
            }
            return gone;
        });
    }

    /** Uploads ids of the batch, each in [least, V): a device cannot say which one was wrong. */
    private void upload(Buffer to, int[] values, int least) {
        if (values.length != N) {
            throw new IllegalArgumentException("the batch has " + values.length + " values, expected " + B + " x " + T);
        }
        for (int i = 0; i < N; i++) {
            if (values[i] < least || values[i] >= sizes.trueV()) {
                throw new IllegalArgumentException(to.label() + ": " + values[i] + " at position " + i
                        + " is outside of the vocabulary of " + sizes.trueV());
            }
        }
        MemorySegment.copy(values, 0, ids, ValueLayout.JAVA_INT, 0, N);
        engine.upload(to, ids);
    }

    private Buffer activations(String label, long perRow) {
        return memory.allocate(label, N * perRow * engine.activationType().bytes());
    }

    @Override
    public void close() {
        engine.synchronize();
        replays.values().forEach(Replay::close);
        means.close();
        meansThere.close();
        if (owned != null) {
            owned.close();
        }
        arena.close();
    }
}
