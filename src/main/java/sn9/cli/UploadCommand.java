package sn9.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import sn9.MalformedDataException;
import sn9.checkpoint.ModelDirectory;
import sn9.data.Packer;
import sn9.engine.Engine;
import sn9.eval.EvaluationTimeoutException;
import sn9.eval.Evaluator;
import sn9.miner.CommittedLoss;
import sn9.miner.HeldOut;
import sn9.miner.Publisher;
import sn9.miner.Publisher.Publication;
import sn9.miner.UploadDecision;
import sn9.subnet.RepoId;
import sn9.tokenizer.Gpt2Tokenizer;

/** {@code upload}: publishes a model directory. Running it again after any failure goes on where it failed. */
@Command(
        name = "upload",
        description = "Publish a model directory: judge it, upload it, verify what came back, commit it, read it back."
                + " A model already committed is replaced only by a clearly better one.")
final class UploadCommand implements Callable<Integer>, LongRunning {
    @Spec
    private CommandSpec spec;

    @Option(
            names = "--load_model_dir",
            paramLabel = "DIR",
            required = true,
            description = "The model, in Hugging Face layout. All files in it become public.")
    private Path directory;

    @Option(
            names = "--hf_repo_id",
            paramLabel = "NAMESPACE/NAME",
            required = true,
            description = "Repository to publish to.")
    private String repoId;

    @Option(
            names = "--private",
            fallbackValue = "true",
            description = "Upload to a private repository, so that nobody has the files before the hash is on chain.")
    private boolean privately;

    @Option(
            names = {"--publish", "--update_repo_visibility"},
            fallbackValue = "true",
            description = "Make the repository public once the commitment stands.")
    private boolean publish;

    @Option(
            names = "--held_out_pages",
            paramLabel = "N",
            defaultValue = "2",
            description = "Held-out pages of --corpus on which the model is compared with the committed one."
                    + " Default: ${DEFAULT-VALUE}")
    private int heldOutPages;

    @Option(
            names = "--force",
            fallbackValue = "true",
            description = "Publish without comparing with the committed model; needs no corpus.")
    private boolean force;

    @Option(
            names = "--no_wait",
            fallbackValue = "true",
            description = "Fail instead of waiting for the chain's limit on commitments.")
    private boolean noWait;

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
    public Integer call() throws IOException, InterruptedException, EvaluationTimeoutException {
        Usage.checked(spec, () -> RepoId.parse(repoId));
        try (var network = open()) {
            network.checkMayUpload();
            network.ensureRegistered(0);
            var reasons = violations(network.chain().block());
            if (!reasons.isEmpty()) {
                return refused("rejected by the rules " + rules.rules().name(), reasons);
            }
            Path work = Path.of(System.getProperty("java.io.tmpdir"));
            var publisher = new Publisher(network.models(), network.hotkey(), work, Thread::sleep);
            if (!force
                    && publisher.committed().isPresent()
                    && publisher.standing(directory, repoId).isEmpty()) {
                var decision = compare(network, work);
                if (!decision.publish()) {
                    return refused("not published", List.of(decision.reason() + "; --force publishes all the same"));
                }
            }
            var publication = publisher.publish(directory, repoId, () -> !noWait);
            if (publish) {
                network.hub().orElseThrow().repos().setPrivate(RepoId.parse(repoId), false);
            }
            return published(publication);
        }
    }

    private Network open() throws IOException, InterruptedException {
        if ((privately || publish) && localnet.directory().isPresent() && !hub.isNamed()) {
            throw Usage.error(
                    spec, "--private and --publish need a Hub: start sn9 localnet --hub_port and give --hf_endpoint");
        }
        return Network.open(
                spec, localnet.existing(spec, subtensor.netuid()), subtensor, wallet, rules.rules(), hub, privately);
    }

    private List<String> violations(long block) throws IOException {
        try {
            return rules.rules()
                    .criteria(block)
                    .violations(LocalModel.facts(directory, rules.rules(), Optional.empty()));
        } catch (MalformedDataException e) {
            return List.of(e.getMessage());
        }
    }

    private UploadDecision compare(Network network, Path work)
            throws IOException, InterruptedException, EvaluationTimeoutException {
        var packer = new Packer(
                new Gpt2Tokenizer(), rules.rules().batchSize(), rules.rules().sequenceLength());
        try (var source = corpus.open(spec);
                Engine engine = device.open();
                var model = ModelDirectory.open(directory)) {
            var heldOut = HeldOut.batches(source, heldOutPages, packer);
            var committed = new CommittedLoss(network.models(), network.hotkey(), work, engine).measure(heldOut);
            try (var evaluator = new Evaluator(engine)) {
                double loss = CommittedLoss.mean(evaluator.losses(model, heldOut, CommittedLoss.LIMIT));
                return UploadDecision.of(
                        loss, OptionalDouble.empty(), committed, rules.rules().epsilon(), false);
            }
        }
    }

    private int refused(String verdict, List<String> reasons) {
        var output = Output.of(spec, json);
        output.text(verdict + ":");
        reasons.forEach(reason -> output.text("  " + reason));
        output.json(answer(Optional.empty(), reasons));
        return ExitCode.FAILED;
    }

    private int published(Publication publication) {
        var output = Output.of(spec, json);
        output.text((publication.repeated() ? "was published already: " : "published: ")
                + publication.id().toCompressedString() + " at block " + publication.block());
        output.json(answer(Optional.of(publication), List.of()));
        return ExitCode.DONE;
    }

    private LinkedHashMap<String, Object> answer(Optional<Publication> publication, List<String> reasons) {
        var answer = new LinkedHashMap<String, Object>();
        answer.put("published", publication.isPresent());
        answer.put("reasons", reasons);
        answer.put("repo_id", repoId);
        answer.put("commit", publication.map(p -> p.id().commit()).orElse(null));
        answer.put("hash", publication.map(p -> p.id().hash()).orElse(null));
        answer.put(
                "commitment", publication.map(p -> p.id().toCompressedString()).orElse(null));
        answer.put("block", publication.map(Publication::block).orElse(null));
        answer.put("repeated", publication.map(Publication::repeated).orElse(false));
        return answer;
    }
}
