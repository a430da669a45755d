package sn9.testing;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;
import sn9.data.Batch;
import sn9.model.Gpt2Config;
import sn9.model.ParameterShapes;
import sn9.train.TrainConfig;

/** Training in double precision: {@link PlainGpt2} and AdamW with clipping, as GOLDEN.md states it. */
public final class PlainTraining {
    private static final double CLIP_EPSILON = 1e-6;

    private final Gpt2Config config;
    private final TrainConfig settings;
    private final Map<String, double[]> parameters = new LinkedHashMap<>();
    private final Map<String, double[]> m = new HashMap<>();
    private final Map<String, double[]> v = new HashMap<>();
    private final PlainGpt2 model;
    private int step;

    /** Starts from parameters, which stay the caller's; roundings as in {@link PlainGpt2}. */
    public PlainTraining(
            Gpt2Config config, Map<String, double[]> start, TrainConfig settings, DoubleUnaryOperator rounding) {
        this.config = config;
        this.settings = settings;
        start.forEach((name, values) -> {
            parameters.put(name, values.clone());
            m.put(name, new double[values.length]);
            v.put(name, new double[values.length]);
        });
        model = new PlainGpt2(config, parameters, rounding);
    }

    /** The parameters so far. */
    public Map<String, double[]> parameters() {
        return parameters;
    }

    /** Learns from batches, one a step, and returns the losses. */
    public double[] train(List<Batch> batches) {
        return batches.stream().mapToDouble(this::train).toArray();
    }

    private double train(Batch batch) {
        var gradients = new LinkedHashMap<String, double[]>();
        parameters.forEach((name, values) -> gradients.put(name, new double[values.length]));
        double loss = model.backward(batch.tokens(), batch.targets(), batch.B(), batch.T(), gradients);
        double squares = 0;
        for (double[] gradient : gradients.values()) {
            for (double g : gradient) {
                squares += g * g;
            }
        }
        double clip = Math.min(1, settings.gradClip() / (Math.sqrt(squares) + CLIP_EPSILON));
        step++;
        ParameterShapes.of(config).forEach((name, shape) -> {
            double decay = shape.length == 2 ? settings.weightDecay() : 0;
            update(parameters.get(name), m.get(name), v.get(name), gradients.get(name), clip, decay);
        });
        return loss;
    }

    private void update(double[] p, double[] m, double[] v, double[] gradient, double clip, double decay) {
        double lr = settings.learningRate(step);
        double correction1 = 1 - Math.pow(settings.beta1(), step);
        double correction2 = 1 - Math.pow(settings.beta2(), step);
        for (int i = 0; i < p.length; i++) {
            double g = gradient[i] * clip;
            m[i] = settings.beta1() * m[i] + (1 - settings.beta1()) * g;
            v[i] = settings.beta2() * v[i] + (1 - settings.beta2()) * g * g;
            p[i] -= lr * decay * p[i];
            p[i] -= lr * (m[i] / correction1) / (Math.sqrt(v[i] / correction2) + settings.epsilon());
        }
    }
}
