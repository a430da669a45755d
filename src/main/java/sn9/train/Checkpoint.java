package sn9.train;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import sn9.MalformedDataException;
import sn9.checkpoint.Safetensors;
import sn9.model.Gpt2Config;
import sn9.tensor.ElementType;
import sn9.tensor.TensorView;

/**
 * A training state as one safetensors file: the arenas as tensors, everything else as metadata. Written whole or not at
 * all; what it holds is enough for losses to go on bit for bit where the same products multiply.
 *
 * @param model the model's shape
 * @param train its training settings
 * @param step optimiser steps done
 * @param microStep micro-batches done since the start
 * @param accumulated micro-batches of the step in progress, whose gradients are in the file when there are any
 * @param lossSum sum of their losses, weighted by predictions
 * @param predictions their predictions
 * @param products what multiplied ({@link sn9.engine.Engine#products}); empty where no step was done
 * @param position what the caller gave: where in the data training stands
 */
record Checkpoint(
        Gpt2Config model,
        TrainConfig train,
        long step,
        long microStep,
        int accumulated,
        double lossSum,
        long predictions,
        String products,
        Map<String, String> position) {
    private static final String FORMAT = "sn9-checkpoint-1";
    private static final String POSITION = "position.";
    static final String PARAMETERS = "parameters";
    static final String MOMENT1 = "moment1";
    static final String MOMENT2 = "moment2";
    static final String GRADIENTS = "gradients";

    /** Writes the state with its arenas, by name, all f32. */
    void write(Path file, Map<String, MemorySegment> arenas) throws IOException {
        var fields = new LinkedHashMap<String, String>();
        fields.put("format", FORMAT);
        fields.put("vocab_size", "" + model.vocabSize());
        fields.put("n_positions", "" + model.nPositions());
        fields.put("n_embd", "" + model.nEmbd());
        fields.put("n_layer", "" + model.nLayer());
        fields.put("n_head", "" + model.nHead());
        fields.put("layer_norm_epsilon", "" + model.layerNormEpsilon());
        fields.put("lr", "" + train.lr());
        fields.put("schedule", "" + train.schedule());
        fields.put("warmup_steps", "" + train.warmupSteps());
        fields.put("total_steps", "" + train.totalSteps());
        fields.put("beta1", "" + train.beta1());
        fields.put("beta2", "" + train.beta2());
        fields.put("epsilon", "" + train.epsilon());
        fields.put("weight_decay", "" + train.weightDecay());
        fields.put("decay_all", "" + train.decayAll());
        fields.put("grad_clip", "" + train.gradClip());
        fields.put("accumulation_steps", "" + train.accumulationSteps());
        fields.put("dropout", "" + train.dropout());
        fields.put("seed", "" + train.seed());
        fields.put("step", "" + step);
        fields.put("micro_step", "" + microStep);
        fields.put("accumulated", "" + accumulated);
        fields.put("loss_sum", "" + lossSum);
        fields.put("predictions", "" + predictions);
        fields.put("products", products);
        position.forEach((name, value) -> fields.put(POSITION + name, value));
        List<TensorView> tensors = new ArrayList<>();
        arenas.forEach((name, data) ->
                tensors.add(new TensorView(name, ElementType.F32, new long[] {data.byteSize() / Float.BYTES}, data)));
        Safetensors.write(file, fields, tensors);
    }

    /**
     * Reads the state of an open file.
     *
     * @throws MalformedDataException when it is no checkpoint, or a field is missing or out of range
     */
    static Checkpoint read(String source, Safetensors file) throws MalformedDataException {
        var fields = new Fields(source, file.metadata());
        String format = fields.text("format");
        if (!format.equals(FORMAT)) {
            throw fields.malformed("format", format, FORMAT);
        }
        try {
            var model = new Gpt2Config(
                    fields.integer("vocab_size"),
                    fields.integer("n_positions"),
                    fields.integer("n_embd"),
                    fields.integer("n_layer"),
                    fields.integer("n_head"),
                    (float) fields.real("layer_norm_epsilon"));
            var train = new TrainConfig(
                    fields.real("lr"),
                    TrainConfig.Schedule.valueOf(fields.text("schedule")),
                    fields.number("warmup_steps"),
                    fields.number("total_steps"),
                    fields.real("beta1"),
                    fields.real("beta2"),
                    fields.real("epsilon"),
                    fields.real("weight_decay"),
                    Boolean.parseBoolean(fields.text("decay_all")),
                    fields.real("grad_clip"),
                    fields.integer("accumulation_steps"),
                    fields.real("dropout"),
                    fields.number("seed"));
            var position = new LinkedHashMap<String, String>();
            file.metadata().forEach((name, value) -> {
                if (name.startsWith(POSITION)) {
                    position.put(name.substring(POSITION.length()), value);
                }
            });
            return new Checkpoint(
                    model,
                    train,
                    fields.number("step"),
                    fields.number("micro_step"),
                    fields.integer("accumulated"),
                    fields.real("loss_sum"),
                    fields.number("predictions"),
                    fields.text("products"),
                    position);
        } catch (IllegalArgumentException e) {
            throw new MalformedDataException(source, -1, e.getMessage(), e);
        }
    }

    /** The metadata of a file, typed. */
    private record Fields(String source, Map<String, String> values) {
        String text(String name) throws MalformedDataException {
            String value = values.get(name);
            if (value == null) {
                throw new MalformedDataException(source, -1, "no field " + name + ": this is no training checkpoint");
            }
            return value;
        }

        long number(String name) throws MalformedDataException {
            try {
                return Long.parseLong(text(name));
            } catch (NumberFormatException e) {
                throw malformed(name, text(name), "a whole number");
            }
        }

        int integer(String name) throws MalformedDataException {
            long value = number(name);
            if (value < 0 || value > Integer.MAX_VALUE) {
                throw malformed(name, text(name), "0 to " + Integer.MAX_VALUE);
            }
            return (int) value;
        }

        double real(String name) throws MalformedDataException {
            try {
                return Double.parseDouble(text(name));
            } catch (NumberFormatException e) {
                throw malformed(name, text(name), "a number");
            }
        }

        MalformedDataException malformed(String name, String found, String expected) {
            return new MalformedDataException(
                    source, -1, "field " + name + " is \"" + found + "\", expected " + expected);
        }
    }
}
