package sn9.testing;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;
import sn9.model.Gpt2Config;
import sn9.model.ParameterShapes;
import sn9.tensor.TensorView;

/**
 * GPT-2 in plain double-precision loops, written from the formulas of the golden README alone: the truth that engines are
 * compared with. Parameters by Hugging Face name, row-major.
 *
 * <p>A rounding, where one is given, is applied wherever an engine in bf16 rounds: to matrices, to every activation and
 * gradient of one that is stored, and to what attention multiplies ({@link Roundoff}).
 */
public final class PlainGpt2 {
    private static final DoubleUnaryOperator EXACT = value -> value;

    private final Gpt2Config config;
    private final Map<String, double[]> p;
    private final DoubleUnaryOperator rounding;
    private final Map<String, double[]> matrices = new LinkedHashMap<>(); // rounded, of the pass under way

    /** What the backward pass needs of one layer. Rows are (T, ...). */
    record Layer(
            double[][] x,
            double[][] ln1,
            double[][] qkv,
            double[][][] attention, // probabilities (NH, T, t + 1)
            double[][] att,
            double[][] mid,
            double[][] ln2,
            double[][] fc,
            double[][] gelu) {}

    /** One sequence's forward pass. */
    record Pass(Layer[] layers, double[][] x, double[][] ln, double[][] probabilities, double[] losses) {}

    public PlainGpt2(Gpt2Config config, Map<String, double[]> parameters) {
        this(config, parameters, EXACT);
    }

    public PlainGpt2(Gpt2Config config, Map<String, double[]> parameters, DoubleUnaryOperator rounding) {
        this.config = config;
        this.p = parameters;
        this.rounding = rounding;
    }

    /** Random parameters, biases and gains included, so that a missing or swapped one shows. */
    public static Map<String, double[]> randomParameters(Gpt2Config config, long seed, double deviation) {
        var random = new SplittableRandom(seed);
        var parameters = new LinkedHashMap<String, double[]>();
        ParameterShapes.of(config).forEach((name, shape) -> {
            var values = new double[(int) TensorView.elements(shape)];
            double centre = name.matches(".*ln_.\\.weight") ? 1 : 0;
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (centre + deviation * random.nextGaussian());
            }
            parameters.put(name, values);
        });
        return parameters;
    }

    /** Mean loss over all targets of a batch that are not negative. */
    public double loss(int[] tokens, int[] targets, int B, int T) {
        return mean(positionLosses(tokens, targets, B, T), targets);
    }

    /** The loss of every position (B, T), 0 where the target is ignored. */
    public double[] positionLosses(int[] tokens, int[] targets, int B, int T) {
        var losses = new double[B * T];
        roundMatrices();
        for (int b = 0; b < B; b++) {
            System.arraycopy(forward(tokens, targets, b * T, T).losses, 0, losses, b * T, T);
        }
        return losses;
    }

    /** The outputs of the last layernorm (T, C), which the head multiplies, of one sequence. */
    public double[][] hidden(int[] tokens, int[] targets, int T) {
        roundMatrices();
        return forward(tokens, targets, 0, T).ln;
    }

    /** As {@link #loss}; its gradients are added to those given. */
    public double backward(int[] tokens, int[] targets, int B, int T, Map<String, double[]> gradients) {
        var losses = new double[B * T];
        long predictions = Arrays.stream(targets).filter(target -> target >= 0).count();
        roundMatrices();
        var backward = new PlainBackward(config, this, gradients, 1.0 / predictions);
        for (int b = 0; b < B; b++) {
            Pass pass = forward(tokens, targets, b * T, T);
            System.arraycopy(pass.losses, 0, losses, b * T, T);
            backward.sequence(pass, tokens, targets, b * T);
        }
        return mean(losses, targets);
    }

    /** A parameter as the engine computes with it. */
    double[] parameter(String name) {
        return matrices.getOrDefault(name, p.get(name));
    }

    double rounded(double value) {
        return rounding.applyAsDouble(value);
    }

    double[][] rounded(double[][] rows) {
        for (double[] row : rows) {
            for (int i = 0; i < row.length; i++) {
                row[i] = rounded(row[i]);
            }
        }
        return rows;
    }

    /** Matrices are rounded once for a pass; positions, biases and gains are not. */
    private void roundMatrices() {
        if (rounding == EXACT) {
            return;
        }
        ParameterShapes.of(config).forEach((name, shape) -> {
            if (shape.length == 2 && !name.endsWith("wpe.weight")) {
                matrices.put(name, Arrays.stream(p.get(name)).map(rounding).toArray());
            }
        });
    }

    private static double mean(double[] losses, int[] targets) {
        double sum = 0;
        int count = 0;
        for (int i = 0; i < losses.length; i++) {
            if (targets[i] >= 0) {
                sum += losses[i];
                count++;
            }
        }
        return sum / count;
    }

    private Pass forward(int[] tokens, int[] targets, int from, int T) {
        int C = config.nEmbd();
        var x = new double[T][C];
        for (int t = 0; t < T; t++) {
            for (int c = 0; c < C; c++) {
                x[t][c] = parameter("transformer.wte.weight")[tokens[from + t] * C + c]
                        + parameter("transformer.wpe.weight")[t * C + c];
            }
        }
        rounded(x);
        var layers = new Layer[config.nLayer()];
        for (int l = 0; l < layers.length; l++) {
            String h = "transformer.h." + l + ".";
            double[][] ln1 = rounded(layernorm(x, h + "ln_1"));
            double[][] qkv = rounded(linear(ln1, h + "attn.c_attn", 3 * C));
            var probabilities = new double[config.nHead()][][];
            double[][] att = rounded(attention(qkv, probabilities));
            double[][] mid = rounded(sum(x, linear(att, h + "attn.c_proj", C)));
            double[][] ln2 = rounded(layernorm(mid, h + "ln_2"));
            double[][] fc = rounded(linear(ln2, h + "mlp.c_fc", 4 * C));
            var gelu = new double[T][4 * C];
            for (int t = 0; t < T; t++) {
                for (int i = 0; i < 4 * C; i++) {
                    double v = fc[t][i];
                    gelu[t][i] =
                            rounded(0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v * v * v))));
                }
            }
            layers[l] = new Layer(x, ln1, qkv, probabilities, att, mid, ln2, fc, gelu);
            x = rounded(sum(mid, linear(gelu, h + "mlp.c_proj", C)));
        }
        double[][] ln = rounded(layernorm(x, "transformer.ln_f"));
        var losses = new double[T];
        return new Pass(layers, x, ln, head(ln, targets, from, losses), losses);
    }

    /** The probability of every word (T, V); null at ignored targets, whose loss stays 0. */
    private double[][] head(double[][] ln, int[] targets, int from, double[] losses) {
        int C = config.nEmbd();
        double[] wte = parameter("transformer.wte.weight");
        var probabilities = new double[ln.length][];
        for (int t = 0; t < ln.length; t++) {
            if (targets[from + t] < 0) {
                continue;
            }
            var logits = new double[config.vocabSize()];
            for (int v = 0; v < logits.length; v++) {
                for (int c = 0; c < C; c++) {
                    logits[v] += ln[t][c] * wte[v * C + c];
                }
            }
            double target = logits[targets[from + t]];
            losses[t] = softmax(logits) - target;
            probabilities[t] = logits;
        }
        return probabilities;
    }

    /** Scores become probabilities; returns the logarithm of the sum of their exponentials. */
    private static double softmax(double[] scores) {
        double top = Arrays.stream(scores).max().orElseThrow();
        double total = 0;
        for (int i = 0; i < scores.length; i++) {
            scores[i] = Math.exp(scores[i] - top);
            total += scores[i];
        }
        for (int i = 0; i < scores.length; i++) {
            scores[i] /= total;
        }
        return top + Math.log(total);
    }

    private double[][] layernorm(double[][] x, String name) {
        double[] weight = p.get(name + ".weight");
        double[] bias = p.get(name + ".bias");
        var out = new double[x.length][];
        for (int t = 0; t < x.length; t++) {
            int C = x[t].length;
            double[] normalised = x[t].clone();
            normalise(normalised, config.layerNormEpsilon());
            out[t] = new double[C];
            for (int c = 0; c < C; c++) {
                out[t][c] = normalised[c] * weight[c] + bias[c];
            }
        }
        return out;
    }

    /** Takes the mean away and divides by the deviation; returns what it multiplied with. */
    static double normalise(double[] row, double epsilon) {
        double mean = Arrays.stream(row).average().orElseThrow();
        double variance = 0;
        for (double v : row) {
            variance += (v - mean) * (v - mean) / row.length;
        }
        double factor = 1 / Math.sqrt(variance + epsilon);
        for (int c = 0; c < row.length; c++) {
            row[c] = (row[c] - mean) * factor;
        }
        return factor;
    }

    private double[][] linear(double[][] x, String name, int OC) {
        double[] weight = parameter(name + ".weight");
        double[] bias = p.get(name + ".bias");
        var out = new double[x.length][];
        for (int t = 0; t < x.length; t++) {
            double[] row = bias.clone();
            for (int c = 0; c < x[t].length; c++) {
                double v = x[t][c];
                for (int o = 0; o < OC; o++) {
                    row[o] += v * weight[c * OC + o];
                }
            }
            out[t] = row;
        }
        return out;
    }

    private double[][] attention(double[][] qkv, double[][][] probabilities) {
        int T = qkv.length;
        int C = config.nEmbd();
        int HS = config.headSize();
        var out = new double[T][C];
        for (int h = 0; h < config.nHead(); h++) {
            probabilities[h] = new double[T][];
            for (int t = 0; t < T; t++) {
                var scores = new double[t + 1];
                for (int u = 0; u <= t; u++) {
                    for (int c = 0; c < HS; c++) {
                        scores[u] += qkv[t][h * HS + c] * qkv[u][C + h * HS + c];
                    }
                    scores[u] /= Math.sqrt(HS);
                }
                softmax(scores);
                probabilities[h][t] = scores;
                for (int u = 0; u <= t; u++) {
                    double probability = rounded(scores[u]);
                    for (int c = 0; c < HS; c++) {
                        out[t][h * HS + c] += probability * qkv[u][2 * C + h * HS + c];
                    }
                }
            }
        }
        return out;
    }

    /** x + y, in y. */
    private static double[][] sum(double[][] x, double[][] y) {
        for (int t = 0; t < x.length; t++) {
            for (int c = 0; c < x[t].length; c++) {
                y[t][c] += x[t][c];
            }
        }
        return y;
    }
}
