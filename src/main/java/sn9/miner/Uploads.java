package sn9.miner;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.RemoteCallException;
import sn9.data.Batch;
import sn9.miner.Publisher.Publication;
import sn9.subnet.CommitTooSoonException;

/**
 * Publishes a miner's best models while it trains: asks {@link UploadDecision} about each, and leaves training alone when
 * the network is down or the chain's rate limit runs; the next measurement tries again.
 */
public final class Uploads {
    private static final Logger LOG = LoggerFactory.getLogger(Uploads.class);

    private final Publisher publisher;
    private final CommittedLoss committedLoss;
    private final String repoId;
    private final OptionalDouble threshold;
    private final double epsilon;
    private final boolean force;
    private final boolean patient;

    private Optional<OptionalDouble> committed = Optional.empty(); // unknown until first asked for
    private Optional<Publication> published = Optional.empty();

    /**
     * Prepares to publish.
     *
     * @param publisher puts models out
     * @param committedLoss measures what is out already
     * @param repoId {@code namespace/name}
     * @param threshold held-out loss below which models are published; empty for any
     * @param epsilon by what share of the committed model's loss a new one must be better
     * @param force whether the first publication ignores the committed model
     * @param patient whether to wait for the chain's rate limit when training has ended
     */
    public Uploads(
            Publisher publisher,
            CommittedLoss committedLoss,
            String repoId,
            OptionalDouble threshold,
            double epsilon,
            boolean force,
            boolean patient) {
        this.publisher = publisher;
        this.committedLoss = committedLoss;
        this.repoId = repoId;
        this.threshold = threshold;
        this.epsilon = epsilon;
        this.force = force;
        this.patient = patient;
    }

    /**
     * Publishes a model if it qualifies. A remote's failure is logged, not thrown.
     *
     * @param model the best model's directory
     * @param loss its loss on {@code heldOut}
     * @param heldOut what the committed model is measured on
     * @param ended whether training has ended and nothing else is to be done than wait; asked again and again
     */
    void offer(Path model, double loss, List<Batch> heldOut, BooleanSupplier ended)
            throws IOException, InterruptedException {
        try {
            if (committed.isEmpty()) {
                committed = Optional.of(committedLoss.measure(heldOut));
            }
            var decision = UploadDecision.of(loss, threshold, committed.get(), epsilon, force && published.isEmpty());
            LOG.info("upload={} because {}", decision.publish(), decision.reason());
            if (decision.publish()) {
                published = Optional.of(publisher.publish(model, repoId, () -> patient && ended.getAsBoolean()));
                committed = Optional.of(OptionalDouble.of(loss));
            }
        } catch (CommitTooSoonException e) {
            LOG.info("upload=later blocks_to_wait={}: {}", e.blocksToWait(), e.getMessage());
        } catch (RemoteCallException e) {
            LOG.warn("upload=failed, tried again at the next measurement: {}", e.getMessage());
        }
    }

    /** The latest publication of this run, if any. */
    public Optional<Publication> published() {
        return published;
    }
}
