package sn9.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.LocalDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import sn9.checkpoint.ModelDirectory;
import sn9.data.Packer;
import sn9.data.PageSource;
import sn9.engine.Engine;
import sn9.metrics.ConsoleSink;
import sn9.metrics.JsonLinesSink;
import sn9.metrics.MetricsSink;
import sn9.metrics.MetricsSinks;
import sn9.miner.CommittedLoss;
import sn9.miner.Miner;
import sn9.miner.MinerConfig;
import sn9.miner.Position;
import sn9.miner.Publisher;
import sn9.miner.RunDirectory;
import sn9.miner.TrainingDivergedException;
import sn9.miner.UploadPolicy;
import sn9.miner.Uploads;
import sn9.model.Gpt2Config;
import sn9.subnet.RepoId;
import sn9.tokenizer.Gpt2Tokenizer;
import sn9.train.Trainer;

/** {@code miner}: trains, keeps the best, publishes it. */
@Command(name = "miner", description = "Train a GPT-2 on pages of text and publish it when it is good enough.")
final class MinerCommand implements Callable<Integer>, LongRunning {
    private static final String LATEST = "latest";

    private static final Logger LOG = LoggerFactory.getLogger(MinerCommand.class);

    @Spec
    private CommandSpec spec;

    @Mixin
    private ModelOptions model;

    @Mixin
    private TrainOptions train;

    @Mixin
    private UploadOptions upload;

    @Mixin
    private CorpusOptions corpus;

    @Mixin
    private DeviceOptions device;

    @Mixin
    private WalletOptions wallet;

    @Mixin
    private SubtensorOptions subtensor;

    @Mixin
    private LocalnetOptions localnet;

    @Mixin
    private HubOptions hub;

    @Mixin
    private RuleOptions rules;

    @Mixin
    private LoggingOptions logging;

    @Mixin
    private JsonOption json;

    @Option(
            names = "--resume",
            paramLabel = "RUN_DIR",
            arity = "0..1",
            fallbackValue = LATEST,
            description =
                    "Go on from a run's checkpoint, with the losses it would have had: the run's folder, or without"
                            + " a value the run in --model_dir that was saved last. The optimiser's flags are the run's.")
    private Path resume;

    @Override
    public Integer call() throws IOException, InterruptedException, TrainingDivergedException {
        var start = Usage.checked(spec, model::start);
        long drawn = train.seed().orElseGet(() -> new SecureRandom().nextLong(1L << 31));
        Usage.checked(spec, () -> train.train(drawn));
        checkUpload();
        boolean publishes = upload.policy() == UploadPolicy.BEST;
        boolean connects =
                publishes || resume == null && (start.best() || start.uid().isPresent());
        try (Network network = connects
                        ? Network.open(
                                spec,
                                localnet.existing(spec, subtensor.netuid()),
                                subtensor,
                                wallet,
                                rules.rules(),
                                hub,
                                false)
                        : null;
                var source = corpus.open(spec);
                Engine engine = device.open()) {
            if (publishes) {
                network.checkMayUpload();
                network.ensureRegistered(0);
            }
            Optional<Uploads> uploads = publishes ? Optional.of(uploads(network, engine)) : Optional.empty();
            if (resume != null) {
                var run = resumed();
                try (var trainer =
                        Trainer.resume(engine, run.checkpoint(), train.batchSize(), train.sequenceLength())) {
                    var position =
                            Position.of(trainer.position(), run.checkpoint().toString());
                    LOG.info("resume run={} step={} epoch={}", run.id(), trainer.step(), position.epoch());
                    return mine(trainer, position, train.seed().orElse(position.seed()), source, run, uploads);
                }
            }
            var run = RunDirectory.create(model.modelDir(), LocalDateTime.now());
            LOG.info("run={} folder={} seed={}", run.id(), run.folder(), drawn);
            var directory = start.resolve(() -> network.models(), model.modelDir());
            try (var trainer = trainer(engine, directory, drawn)) {
                if (publishes) {
                    mustBeAcceptable(trainer.config(), network.chain().block());
                }
                var position = Position.start(config(drawn), source.describe());
                return mine(trainer, position, drawn, source, run, uploads);
            }
        }
    }

    /** What cannot work, or surely is not meant, is said before hours are spent. */
    private void checkUpload() {
        if (upload.policy() != UploadPolicy.BEST) {
            return;
        }
        String repoId = upload.repoId()
                .orElseThrow(
                        () -> Usage.error(
                                spec,
                                "--hf_repo_id is missing: give the namespace/name to publish to, or --offline, or --upload never"));
        Usage.checked(spec, () -> RepoId.parse(repoId));
        if (upload.threshold().isPresent() && upload.threshold().getAsDouble() <= 0) {
            LOG.warn(
                    "--avg_loss_upload_threshold {} never publishes: a loss is always above it",
                    upload.threshold().getAsDouble());
        }
    }

    private void mustBeAcceptable(Gpt2Config shape, long block) {
        var reasons = LocalModel.violations(shape, rules.rules(), block);
        if (!reasons.isEmpty()) {
            throw Usage.error(
                    spec,
                    "validators would reject this model: " + String.join("; ", reasons)
                            + ". Train another shape, or this one with --offline");
        }
    }

    private MinerConfig config(long seed) {
        return Usage.checked(spec, () -> train.miner(seed));
    }

    private RunDirectory resumed() throws IOException {
        var run = resume.toString().equals(LATEST) ? RunDirectory.latest(model.modelDir()) : new RunDirectory(resume);
        if (!Files.isRegularFile(run.checkpoint())) {
            throw new NoSuchFileException(run.checkpoint().toString());
        }
        return run;
    }

    private Trainer trainer(Engine engine, Optional<Path> directory, long seed) throws IOException {
        var settings = train.train(seed);
        if (directory.isEmpty()) {
            return Trainer.fresh(engine, model.start().shape(), settings, train.batchSize(), train.sequenceLength());
        }
        try (var loaded = ModelDirectory.open(directory.get())) {
            return Trainer.from(engine, loaded, settings, train.batchSize(), train.sequenceLength());
        }
    }

    private Uploads uploads(Network network, Engine engine) {
        var publisher = new Publisher(network.models(), network.hotkey(), model.modelDir(), Thread::sleep);
        var committed = new CommittedLoss(network.models(), network.hotkey(), model.modelDir(), engine);
        return new Uploads(
                publisher,
                committed,
                upload.repoId().orElseThrow(),
                upload.threshold(),
                rules.rules().epsilon(),
                upload.force(),
                upload.mayWait());
    }

    private int mine(
            Trainer trainer,
            Position position,
            long seed,
            PageSource source,
            RunDirectory run,
            Optional<Uploads> uploads)
            throws IOException, InterruptedException, TrainingDivergedException {
        var config = config(seed);
        var packer = new Packer(new Gpt2Tokenizer(), config.B(), config.T());
        Miner.Report report;
        try (var metrics = metrics(run, config)) {
            var miner = Usage.checked(
                    spec, () -> new Miner(config, trainer, position, source, packer, run, metrics, uploads));
            try (var _ = GracefulStop.onSignal(miner::requestStop)) {
                report = miner.run();
            }
        }
        report(report, run);
        return ExitCode.DONE;
    }

    private MetricsSink metrics(RunDirectory run, MinerConfig config) throws IOException {
        MetricsSink steps = ProgressSink.isTerminal() ? new ProgressSink(config.maxSteps()) : new ConsoleSink("step");
        return new MetricsSinks(List.of(JsonLinesSink.append(run.metrics()), steps));
    }

    private void report(Miner.Report report, RunDirectory run) {
        var answer = new LinkedHashMap<String, Object>();
        answer.put("run", run.id());
        answer.put("steps", report.steps());
        answer.put("epochs", report.epochs());
        answer.put("best_loss", report.bestLoss());
        answer.put("best_step", report.bestStep());
        answer.put("model", run.best().toString());
        answer.put("checkpoint", run.checkpoint().toString());
        answer.put("metrics", run.metrics().toString());
        answer.put(
                "commitment",
                report.published().map(p -> p.id().toCompressedString()).orElse(null));
        answer.put("block", report.published().map(Publisher.Publication::block).orElse(null));
        var output = Output.of(spec, json);
        output.text("best model: " + run.best() + " (step " + report.bestStep() + ", held-out loss " + report.bestLoss()
                + ")");
        if (upload.policy() == UploadPolicy.MANUAL) {
            output.text("publish it with: sn9 upload --load_model_dir " + run.best() + " --hf_repo_id "
                    + upload.repoId().orElse("NAMESPACE/NAME"));
        }
        output.json(answer);
    }
}
