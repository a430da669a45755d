package sn9.testing;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import sn9.model.Gpt2Config;
import sn9.model.ParameterShapes;
import sn9.tensor.TensorView;

/**
 * GPT-2 in plain double-precision loops, written from the formulas of the golden README alone: the truth that engines are
 * compared with. Parameters by Hugging Face name, row-major.
 */
public final class PlainGpt2 {
    private final Gpt2Config config;
    private final Map<String, double[]> p;

    public PlainGpt2(Gpt2Config config, Map<String, double[]> parameters) {
        this.config = config;
        this.p = parameters;
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
        double sum = 0;
        int count = 0;
        for (int b = 0; b < B; b++) {
            double[] losses = sequence(tokens, targets, b * T, T);
            for (int t = 0; t < T; t++) {
                if (targets[b * T + t] >= 0) {
                    sum += losses[t];
                    count++;
                }
            }
        }
        return sum / count;
    }

    /** Losses of one sequence; those of ignored targets are 0. */
    public double[] sequence(int[] tokens, int[] targets, int from, int T) {
        int C = config.nEmbd();
        var x = new double[T][C];
        for (int t = 0; t < T; t++) {
            for (int c = 0; c < C; c++) {
                x[t][c] = p.get("transformer.wte.weight")[tokens[from + t] * C + c]
                        + p.get("transformer.wpe.weight")[t * C + c];
            }
        }
        for (int l = 0; l < config.nLayer(); l++) {
            String h = "transformer.h." + l + ".";
            double[][] qkv = linear(layernorm(x, h + "ln_1"), h + "attn.c_attn", 3 * C);
            add(x, linear(attention(qkv), h + "attn.c_proj", C));
            double[][] fc = linear(layernorm(x, h + "ln_2"), h + "mlp.c_fc", 4 * C);
            for (double[] row : fc) {
                for (int i = 0; i < row.length; i++) {
                    double v = row[i];
                    row[i] = 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v * v * v)));
                }
            }
            add(x, linear(fc, h + "mlp.c_proj", C));
        }
        double[][] out = layernorm(x, "transformer.ln_f");
        var losses = new double[T];
        double[] wte = p.get("transformer.wte.weight");
        for (int t = 0; t < T; t++) {
            if (targets[from + t] < 0) {
                continue;
            }
            var logits = new double[config.vocabSize()];
            double top = Double.NEGATIVE_INFINITY;
            for (int v = 0; v < logits.length; v++) {
                for (int c = 0; c < C; c++) {
                    logits[v] += out[t][c] * wte[v * C + c];
                }
                top = Math.max(top, logits[v]);
            }
            double total = 0;
            for (double logit : logits) {
                total += Math.exp(logit - top);
            }
            losses[t] = top + Math.log(total) - logits[targets[from + t]];
        }
        return losses;
    }

    private double[][] layernorm(double[][] x, String name) {
        double[] weight = p.get(name + ".weight");
        double[] bias = p.get(name + ".bias");
        var out = new double[x.length][];
        for (int t = 0; t < x.length; t++) {
            int C = x[t].length;
            double mean = 0;
            for (double v : x[t]) {
                mean += v / C;
            }
            double variance = 0;
            for (double v : x[t]) {
                variance += (v - mean) * (v - mean) / C;
            }
            out[t] = new double[C];
            for (int c = 0; c < C; c++) {
                out[t][c] = (x[t][c] - mean) / Math.sqrt(variance + config.layerNormEpsilon()) * weight[c] + bias[c];
            }
        }
        return out;
    }

    private double[][] linear(double[][] x, String name, int OC) {
        double[] weight = p.get(name + ".weight");
        double[] bias = p.get(name + ".bias");
        var out = new double[x.length][OC];
        for (int t = 0; t < x.length; t++) {
            for (int o = 0; o < OC; o++) {
                double sum = bias[o];
                for (int c = 0; c < x[t].length; c++) {
                    sum += x[t][c] * weight[c * OC + o];
                }
                out[t][o] = sum;
            }
        }
        return out;
    }

    private double[][] attention(double[][] qkv) {
        int T = qkv.length;
        int C = config.nEmbd();
        int HS = config.headSize();
        var out = new double[T][C];
        for (int h = 0; h < config.nHead(); h++) {
            for (int t = 0; t < T; t++) {
                var scores = new double[t + 1];
                double top = Double.NEGATIVE_INFINITY;
                for (int u = 0; u <= t; u++) {
                    for (int c = 0; c < HS; c++) {
                        scores[u] += qkv[t][h * HS + c] * qkv[u][C + h * HS + c];
                    }
                    scores[u] /= Math.sqrt(HS);
                    top = Math.max(top, scores[u]);
                }
                double total = 0;
                for (int u = 0; u <= t; u++) {
                    scores[u] = Math.exp(scores[u] - top);
                    total += scores[u];
                }
                for (int u = 0; u <= t; u++) {
                    for (int c = 0; c < HS; c++) {
                        out[t][h * HS + c] += scores[u] / total * qkv[u][2 * C + h * HS + c];
                    }
                }
            }
        }
        return out;
    }

    private static void add(double[][] x, double[][] y) {
        for (int t = 0; t < x.length; t++) {
            for (int c = 0; c < x[t].length; c++) {
                x[t][c] += y[t][c];
            }
        }
    }
}
