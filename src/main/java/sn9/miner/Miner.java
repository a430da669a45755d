package sn9.miner;

import java.io.IOException;
import java.nio.file.Files;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import sn9.data.Batch;
import sn9.data.Packer;
import sn9.data.PageSource;
import sn9.data.PrefetchedBatches;
import sn9.metrics.MetricsSink;
import sn9.miner.Publisher.Publication;
import sn9.train.StepReport;
import sn9.train.Trainer;

/**
 * Trains a model on pages of text, keeps the best by its loss on held-out pages, and offers that one for publication
 * (spec/subnet.md B.2, D.1, D.20). Belongs to the thread that owns the trainer's engine; only {@link #requestStop} may be
 * called from others.
 */
public final class Miner {
    private static final Logger LOG = LoggerFactory.getLogger(Miner.class);

    private final MinerConfig config;
    private final Trainer trainer;
    private final PageSource source;
    private final Packer packer;
    private final RunDirectory run;
    private final MetricsSink metrics;
    private final Optional<Uploads> uploads;
    private final PageDraws draws;

    private Position position;
    private List<Batch> heldOut = List.of();
    private Optional<PrefetchedBatches> ahead = Optional.empty(); // of the epoch that comes next
    private long measuredStep = -1;
    private Optional<Position> saved = Optional.empty();
    private volatile boolean stopRequested;

    /**
     * What came of a run.
     *
     * @param steps optimiser steps since the model's start, earlier runs of a resumed one included
     * @param epochs whole epochs
     * @param bestLoss lowest held-out loss, nats
     * @param bestStep the step that had it
     * @param published the last publication, if any
     */
    public record Report(long steps, long epochs, double bestLoss, long bestStep, Optional<Publication> published) {}

    /**
     * Prepares a run; nothing is read or computed yet.
     *
     * @param config how to go over the text
     * @param trainer the model, at the position's step; stays the caller's to close
     * @param position {@link Position#start}, or what the checkpoint held
     * @param source the text; stays the caller's to close
     * @param packer makes batches of the configuration's sizes
     * @param run where files go
     * @param metrics takes a row per step, epoch and measurement; stays the caller's to close
     * @param uploads publishes; empty to only save
     * @throws IllegalArgumentException when the position belongs to other settings
     */
    public Miner(
            MinerConfig config,
            Trainer trainer,
            Position position,
            PageSource source,
            Packer packer,
            RunDirectory run,
            MetricsSink metrics,
            Optional<Uploads> uploads) {
        position.mustMatch(config, source.describe());
        this.config = config;
        this.trainer = trainer;
        this.position = position;
        this.source = source;
        this.packer = packer;
        this.run = run;
        this.metrics = metrics;
        this.uploads = uploads;
        this.draws = new PageDraws(source, config.seed(), config.pagesPerEpoch());
    }

    /** Asks the run to end after the micro-batch under way: it then saves, measures and offers its best. */
    public void requestStop() {
        stopRequested = true;
    }

    /**
     * Trains until the epochs or steps are done or a stop is requested.
     *
     * @throws TrainingDivergedException when a loss is not finite; the last checkpoint and the best model stand
     * @throws IOException when pages cannot be read or files not be written
     */
    public Report run() throws IOException, InterruptedException, TrainingDivergedException {
        heldOut = HeldOut.batches(source, config.heldOutPages(), packer);
        LOG.info("run={} corpus=\"{}\" held_out_tokens={}", run.id(), source.describe(), HeldOut.predictions(heldOut));
        if (Double.isInfinite(position.bestLoss()) || !Files.isDirectory(run.best())) {
            position = position.withBest(Double.POSITIVE_INFINITY, 0);
            measure();
        }
        try {
            while (!ended()) {
                trainEpoch();
            }
        } finally {
            ahead.ifPresent(PrefetchedBatches::close);
        }
        finish();
        return new Report(
                trainer.step(),
                position.epoch(),
                position.bestLoss(),
                position.bestStep(),
                uploads.flatMap(Uploads::published));
    }

    private boolean ended() {
        return stopRequested
                || config.numEpochs() >= 0 && position.epoch() >= config.numEpochs()
                || config.maxSteps() >= 0 && trainer.step() >= config.maxSteps();
    }

    private void trainEpoch() throws IOException, InterruptedException, TrainingDivergedException {
        try (var batches = ahead.orElseGet(() -> prefetch(position.epoch()))) {
            ahead = Optional.empty();
            skip(batches);
            // A server answers late: the next epoch's first pages come while this one is trained on.
            ahead = Optional.of(prefetch(position.epoch() + 1));
            while (!ended()) {
                var next = batches.next();
                if (next.isEmpty()) {
                    endEpoch(position.batch(), position.lossSum());
                    return;
                }
                var report = trainer.train(next.get());
                position = position.afterBatch(trainer.microLoss());
                if (report.isPresent()) {
                    afterStep(report.get());
                }
            }
        }
    }

    private PrefetchedBatches prefetch(long epoch) {
        var draw = draws.train(epoch);
        return new PrefetchedBatches(source, draw.pages(), draw.spares(), packer);
    }

    /** Passes over the micro-batches of the epoch that a resumed run has trained on already. */
    private void skip(PrefetchedBatches batches) throws IOException, InterruptedException {
        for (int done = 0; done < position.batch(); done++) {
            if (batches.next().isEmpty()) {
                throw new IOException("epoch " + position.epoch() + " of " + source.describe() + " has " + done
                        + " batches, the checkpoint has trained on " + position.batch()
                        + "; has the corpus changed? Start anew with --load_model_dir " + run.best());
            }
        }
    }

    private void afterStep(StepReport report) throws IOException, InterruptedException, TrainingDivergedException {
        metrics.row("step", row(report));
        if (!Double.isFinite(report.loss()) || !Double.isFinite(report.gradNorm())) {
            String kept = Double.isFinite(position.bestLoss())
                    ? "The best model (step " + position.bestStep() + ") is in " + run.best()
                    : "No model was worth keeping";
            throw new TrainingDivergedException("training diverged at step " + report.step() + ": loss " + report.loss()
                    + ", gradient norm " + report.gradNorm() + ". " + kept
                    + "; lower --lr, raise --warmup_steps or set --grad_clip");
        }
        if (config.evalSteps() > 0 && report.step() % config.evalSteps() == 0) {
            measure();
        }
        if (report.step() % config.checkpointSteps() == 0) {
            checkpoint();
        }
    }

    private void endEpoch(int batches, double lossSum) throws IOException, InterruptedException {
        if (batches == 0) {
            throw new IllegalArgumentException(config.pagesPerEpoch() + " pages of " + source.describe()
                    + " hold fewer than the " + (long) config.B() * config.T()
                    + " tokens of one micro-batch; raise --pages_per_epoch, or lower --bs or --sl");
        }
        trainer.dropAccumulated();
        var row = new LinkedHashMap<String, Object>();
        row.put("epoch", position.epoch());
        row.put("step", trainer.step());
        row.put("batches", batches);
        row.put("loss", lossSum / batches);
        metrics.row("epoch", row);
        LOG.info("epoch={} step={} batches={} loss={}", position.epoch(), trainer.step(), batches, lossSum / batches);
        position = position.nextEpoch();
        if (config.evalSteps() == 0) {
            measure();
        }
    }

    /** Measures the model on held-out pages, keeps it when it is the best, and offers the best for publication. */
    private void measure() throws IOException, InterruptedException {
        double loss = trainer.evaluate(heldOut);
        measuredStep = trainer.step();
        var row = new LinkedHashMap<String, Object>();
        row.put("step", measuredStep);
        row.put("loss", loss);
        row.put("tokens", HeldOut.predictions(heldOut));
        metrics.row("held_out", row);
        boolean best = loss < position.bestLoss();
        LOG.info("held_out step={} loss={} best={}", measuredStep, loss, best ? loss : position.bestLoss());
        if (best) {
            trainer.saveModel(run.best(), config.saveType());
            position = position.withBest(loss, measuredStep);
        }
        offer(false);
    }

    /** Offers the best model, unless it is the one training started from: that may be another's. */
    private void offer(boolean atEnd) throws IOException, InterruptedException {
        if (uploads.isPresent() && position.bestStep() > 0) {
            uploads.get().offer(run.best(), position.bestLoss(), heldOut, () -> atEnd && !stopRequested);
        }
    }

    private void checkpoint() throws IOException {
        if (!saved.equals(Optional.of(position))) {
            trainer.saveCheckpoint(run.checkpoint(), position.toMap());
            saved = Optional.of(position);
            LOG.debug("checkpoint step={} file={}", trainer.step(), run.checkpoint());
        }
    }

    /** The end of a run, asked for or reached: first what must not be lost, then what takes long. */
    private void finish() throws IOException, InterruptedException {
        checkpoint();
        if (measuredStep != trainer.step()) {
            measure();
            checkpoint();
        }
        offer(true);
    }

    private static Map<String, Object> row(StepReport report) {
        var row = new LinkedHashMap<String, Object>();
        row.put("step", report.step());
        row.put("loss", report.loss());
        row.put("grad_norm", report.gradNorm());
        row.put("lr", report.lr());
        row.put("tokens", report.tokens());
        row.put("tokens_per_second", report.tokens() / report.seconds());
        row.put("seconds", report.seconds());
        return row;
    }
}
