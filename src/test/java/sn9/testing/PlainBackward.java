package sn9.testing;

import java.util.Map;
import sn9.model.Gpt2Config;

/** The backward pass of {@link PlainGpt2}, derived by hand from its forward pass; gradients accumulate. */
final class PlainBackward {
    private final Gpt2Config config;
    private final PlainGpt2 model;
    private final Map<String, double[]> gradients;
    private final double scale; // of each position's loss

    PlainBackward(Gpt2Config config, PlainGpt2 model, Map<String, double[]> gradients, double scale) {
        this.config = config;
        this.model = model;
        this.gradients = gradients;
        this.scale = scale;
    }

    /** Adds the gradients of one sequence, whose tokens and targets start at {@code from}. */
    void sequence(PlainGpt2.Pass pass, int[] tokens, int[] targets, int from) {
        int T = pass.x().length;
        int C = config.nEmbd();
        double[] dwte = gradients.get("transformer.wte.weight");
        double[] dwpe = gradients.get("transformer.wpe.weight");
        double[][] dres = new double[T][C];
        layernorm(dres, head(pass, targets, from, dwte), pass.x(), "transformer.ln_f");
        for (int l = pass.layers().length - 1; l >= 0; l--) {
            layer(dres, pass.layers()[l], "transformer.h." + l + ".");
        }
        for (int t = 0; t < T; t++) {
            for (int c = 0; c < C; c++) {
                dwte[tokens[from + t] * C + c] += dres[t][c];
                dwpe[t * C + c] += dres[t][c];
            }
        }
    }

    private double[][] head(PlainGpt2.Pass pass, int[] targets, int from, double[] dwte) {
        int C = config.nEmbd();
        double[] wte = model.parameter("transformer.wte.weight");
        var dln = new double[pass.ln().length][C];
        for (int t = 0; t < dln.length; t++) {
            int target = targets[from + t];
            if (target < 0) {
                continue;
            }
            double[] probabilities = pass.probabilities()[t];
            for (int v = 0; v < probabilities.length; v++) {
                double dlogit = model.rounded((probabilities[v] - (v == target ? 1 : 0)) * scale);
                for (int c = 0; c < C; c++) {
                    dln[t][c] += dlogit * wte[v * C + c];
                    dwte[v * C + c] += dlogit * pass.ln()[t][c];
                }
            }
        }
        return model.rounded(dln);
    }

    private void layer(double[][] dres, PlainGpt2.Layer a, String h) {
        double[][] dfc = linear(dres, a.gelu(), h + "mlp.c_proj");
        for (int t = 0; t < dfc.length; t++) {
            for (int i = 0; i < dfc[t].length; i++) {
                dfc[t][i] *= geluSlope(a.fc()[t][i]);
            }
        }
        double[][] dln = model.rounded(linear(model.rounded(dfc), a.ln2(), h + "mlp.c_fc"));
        layernorm(dres, dln, a.mid(), h + "ln_2");

        double[][] datt = model.rounded(linear(dres, a.att(), h + "attn.c_proj"));
        double[][] dqkv = model.rounded(attention(datt, a));
        dln = model.rounded(linear(dqkv, a.ln1(), h + "attn.c_attn"));
        layernorm(dres, dln, a.x(), h + "ln_1");
    }

    /** The derivative of GELU in its tanh form. */
    private static double geluSlope(double v) {
        double factor = Math.sqrt(2 / Math.PI);
        double tanh = Math.tanh(factor * (v + 0.044715 * v * v * v));
        return 0.5 * (1 + tanh) + 0.5 * v * (1 - tanh * tanh) * factor * (1 + 3 * 0.044715 * v * v);
    }

    /** Returns the gradient of a linear layer's input; adds those of its matrix and bias. */
    private double[][] linear(double[][] dout, double[][] in, String name) {
        double[] weight = model.parameter(name + ".weight");
        double[] dweight = gradients.get(name + ".weight");
        double[] dbias = gradients.get(name + ".bias");
        int OC = dbias.length;
        var din = new double[in.length][in[0].length];
        for (int t = 0; t < in.length; t++) {
            for (int c = 0; c < in[t].length; c++) {
                double sum = 0;
                for (int o = 0; o < OC; o++) {
                    sum += dout[t][o] * weight[c * OC + o];
                    dweight[c * OC + o] += in[t][c] * dout[t][o];
                }
                din[t][c] = sum;
            }
            for (int o = 0; o < OC; o++) {
                dbias[o] += dout[t][o];
            }
        }
        return din;
    }

    /** dres += the gradient of a layernorm's input. */
    private void layernorm(double[][] dres, double[][] dout, double[][] in, String name) {
        double[] weight = model.parameter(name + ".weight");
        double[] dweight = gradients.get(name + ".weight");
        double[] dbias = gradients.get(name + ".bias");
        int C = weight.length;
        for (int t = 0; t < in.length; t++) {
            double[] normalised = in[t].clone();
            double factor = PlainGpt2.normalise(normalised, config.layerNormEpsilon());
            double mean = 0;
            double projection = 0;
            for (int c = 0; c < C; c++) {
                double d = dout[t][c] * weight[c];
                mean += d / C;
                projection += d * normalised[c] / C;
                dweight[c] += dout[t][c] * normalised[c];
                dbias[c] += dout[t][c];
            }
            for (int c = 0; c < C; c++) {
                dres[t][c] += factor * (dout[t][c] * weight[c] - mean - normalised[c] * projection);
            }
        }
        model.rounded(dres);
    }

    private double[][] attention(double[][] datt, PlainGpt2.Layer a) {
        int T = datt.length;
        int C = config.nEmbd();
        int HS = config.headSize();
        double[][] qkv = a.qkv();
        var dqkv = new double[T][3 * C];
        for (int h = 0; h < config.nHead(); h++) {
            int q = h * HS;
            int k = C + q;
            int v = 2 * C + q;
            for (int t = 0; t < T; t++) {
                double[] probabilities = a.attention()[h][t];
                var dprobabilities = new double[t + 1];
                double mean = 0;
                for (int u = 0; u <= t; u++) {
                    double probability = model.rounded(probabilities[u]);
                    for (int c = 0; c < HS; c++) {
                        dprobabilities[u] += datt[t][q + c] * qkv[u][v + c];
                        dqkv[u][v + c] += probability * datt[t][q + c];
                    }
                    mean += probabilities[u] * dprobabilities[u];
                }
                for (int u = 0; u <= t; u++) {
                    double dscore = model.rounded(probabilities[u] * (dprobabilities[u] - mean)) / Math.sqrt(HS);
                    for (int c = 0; c < HS; c++) {
                        dqkv[t][q + c] += dscore * qkv[u][k + c];
                        dqkv[u][k + c] += dscore * qkv[t][q + c];
                    }
                }
            }
        }
        return dqkv;
    }
}
