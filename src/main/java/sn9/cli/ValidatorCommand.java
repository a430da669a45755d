package sn9.cli;

import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.Callable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;
import sn9.data.Packer;
import sn9.data.PageSource;
import sn9.data.PageSource.Split;
import sn9.engine.Engine;
import sn9.eval.Evaluator;
import sn9.metrics.JsonLinesSink;
import sn9.subnet.RuleSet;
import sn9.tokenizer.Gpt2Tokenizer;
import sn9.validator.EvalStep;
import sn9.validator.LocalModelStore;
import sn9.validator.ModelLosses;
import sn9.validator.ModelUpdater;
import sn9.validator.Validator;
import sn9.validator.ValidatorState;

/** {@code validator}: evaluates everybody's models on the same pages and sets weights. */
@Command(name = "validator", description = "Evaluate the committed models on random pages, score them and set weights.")
final class ValidatorCommand implements Callable<Integer>, LongRunning {
    private static final Logger LOG = LoggerFactory.getLogger(ValidatorCommand.class);

    /** How long a model that nobody needs stays on disk (spec B.5). */
    private static final Duration GRACE = Duration.ofSeconds(300);

    /** Stake of a validator that registers itself on the local network, in TAO; above 0 its weights count. */
    private static final double LOCAL_STAKE = 1000;

    @Spec
    private CommandSpec spec;

    @Mixin
    private ValidatorOptions options;

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

    @Override
    public Integer call() throws IOException, InterruptedException {
        RuleSet ruleSet = rules.rules();
        if (!ruleSet.fetchList().required().contains("config.json")) {
            throw Usage.error(
                    spec,
                    "--rules " + ruleSet.name()
                            + ": the models of generation A live on W&B, which this version does not read; expected B0, B1"
                            + " or B2");
        }
        var settings = Usage.checked(spec, () -> options.validator(ruleSet));
        var evalSettings = Usage.checked(spec, () -> options.evalStep(ruleSet));
        if (options.wandbOff()) {
            LOG.info("--wandb.off changes nothing: this version reports to no W&B");
        }
        LOG.info("rules={} seed={} set_weights={}", ruleSet.name(), settings.seed(), settings.setWeights());
        try (var network = Network.open(
                spec, localnet.existing(spec, subtensor.netuid()), subtensor, wallet, ruleSet, hub, false)) {
            if (options.registers()) {
                network.ensureRegistered(LOCAL_STAKE);
            }
            validate(network, ruleSet, settings, evalSettings);
        }
        return ExitCode.DONE;
    }

    private void validate(Network network, RuleSet ruleSet, Validator.Settings settings, EvalStep.Settings evalSettings)
            throws IOException, InterruptedException {
        var clock = InstantSource.system();
        try (var source = corpus.open(spec);
                var state = ValidatorState.open(options.modelDir().resolve("validator.db"), subtensor.netuid());
                var metrics = JsonLinesSink.append(options.modelDir().resolve("validator.jsonl"));
                Engine engine = device.open();
                var evaluator = new Evaluator(engine)) {
            checkPages(source, evalSettings.pagesPerEval());
            var models = new LocalModelStore(options.modelDir(), options.quotaBytes(), GRACE, clock);
            var updater = new ModelUpdater(
                    network.metadata(), network.store(), models, state, ruleSet, options.sampleMin(ruleSet));
            var packer = new Packer(new Gpt2Tokenizer(), ruleSet.batchSize(), ruleSet.sequenceLength());
            var step = new EvalStep(ModelLosses.on(evaluator), source, packer, models, ruleSet, evalSettings, clock);
            var report = new ValidatorReport(Output.of(spec, json), metrics);
            var validator =
                    new Validator(settings, ruleSet, network.chain(), updater, step, models, state, report, clock);
            try (var _ = GracefulStop.onSignal(validator::stop)) {
                validator.run();
            }
        }
    }

    private void checkPages(PageSource source, int pagesPerEval) throws IOException {
        long pages = source.pages(Split.EVAL);
        if (pages < pagesPerEval) {
            throw new IOException(
                    source.describe() + " has " + pages + " pages for evaluation, --pages_per_eval asks for "
                            + pagesPerEval + "; take more text or draw fewer");
        }
    }
}
