package sn9.validator;

import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.RemoteCallException;
import sn9.subnet.Metagraph;
import sn9.subnet.Neuron;
import sn9.subnet.SubnetChain;
import sn9.subnet.WeightVector;

/**
 * Puts the moving averages on chain: by hotkey in the database, by uid of the metagraph of the moment on chain. Tries a few
 * times with growing pauses and records every try (spec D.13).
 */
final class WeightSetter {
    private static final Logger LOG = LoggerFactory.getLogger(WeightSetter.class);

    private static final int TRIES = 5;
    private static final Duration FIRST_PAUSE = Duration.ofSeconds(2);

    private final SubnetChain chain;
    private final ValidatorState state;
    private final long versionKey;
    private final Pause pause;
    private final InstantSource clock;

    WeightSetter(SubnetChain chain, ValidatorState state, long versionKey, Pause pause, InstantSource clock) {
        this.chain = chain;
        this.state = state;
        this.versionKey = versionKey;
        this.pause = pause;
        this.clock = clock;
    }

    /**
     * Sets the weights of the last saved step.
     *
     * @return the submission that ended it, taken or not; empty when all weights are 0, which submits nothing
     * @throws RemoteCallException when the chain does not even name its neurons
     * @throws IOException when the database fails
     */
    Optional<WeightSubmission> set() throws IOException, InterruptedException {
        var metagraph = chain.metagraph();
        var vector = vector(metagraph);
        if (vector.isEmpty()) {
            LOG.warn(
                    "event=weights_empty block={} reason=\"every weight is 0, which submits nothing\"",
                    metagraph.block());
            return Optional.empty();
        }
        var time = FIRST_PAUSE;
        for (int attempt = 1; ; attempt++, time = time.multipliedBy(2)) {
            var refusal = submit(metagraph.block(), vector);
            var last = state.submissions().getLast();
            if (refusal.isEmpty() || !refusal.get().retryable() || attempt == TRIES || pause.await(time)) {
                return Optional.of(last);
            }
        }
    }

    private WeightVector vector(Metagraph metagraph) throws IOException {
        var averages = state.averages();
        int size = metagraph.neurons().stream().mapToInt(Neuron::uid).max().orElse(-1) + 1;
        var weights = new float[size];
        for (var neuron : metagraph.neurons()) {
            weights[neuron.uid()] = averages.getOrDefault(neuron.hotkey(), 0f);
        }
        return WeightVector.of(weights);
    }

    /** One try, recorded; returns what the chain had against it. */
    private Optional<RemoteCallException> submit(long block, WeightVector vector)
            throws IOException, InterruptedException {
        long step = state.nextStep();
        try {
            long included = chain.setWeights(vector.uids(), vector.values(), versionKey);
            state.record(new WeightSubmission(
                    clock.instant(),
                    step,
                    block,
                    vector.uids(),
                    vector.values(),
                    OptionalLong.of(included),
                    "in block " + included));
            LOG.info("event=weights_set block={} uids={} step={}", included, vector.uids().length, step);
            return Optional.empty();
        } catch (RemoteCallException e) {
            state.record(new WeightSubmission(
                    clock.instant(),
                    step,
                    block,
                    vector.uids(),
                    vector.values(),
                    OptionalLong.empty(),
                    e.getMessage()));
            LOG.warn("event=weights_not_set block={} retryable={} reason=\"{}\"", block, e.retryable(), e.getMessage());
            return Optional.of(e);
        }
    }
}
