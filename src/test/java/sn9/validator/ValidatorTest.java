package sn9.validator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sn9.RemoteCallException;
import sn9.data.Packer;
import sn9.data.PageSource.Split;
import sn9.data.PythonRandom;
import sn9.engine.EngineException;
import sn9.localnet.LocalChain;
import sn9.localnet.LocalIdentity;
import sn9.localnet.chain.LocalChainParameters;
import sn9.localnet.hub.LocalHub;
import sn9.subnet.BlockSchedule;
import sn9.subnet.DirectoryHash;
import sn9.subnet.Metagraph;
import sn9.subnet.ModelId;
import sn9.subnet.RemoteModelStore;
import sn9.subnet.RuleSet;
import sn9.subnet.SubnetChain;
import sn9.tokenizer.Gpt2Tokenizer;

/** Whole days on the local network with models of 2 channels; only the evaluation is arithmetic on a written-down loss. */
class ValidatorTest {
    private static final Gpt2Tokenizer TOKENIZER = new Gpt2Tokenizer();
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
    private static final String A_HASH = "1Pi1HyQbqe9FShGMZ2Y6js5rOGZC09eNOuWawKUT0J0=";

    /** B2 with repositories of at most 2 MB. */
    private static final RuleSet RULES = new RuleSet(
            "B2",
            RuleSet.B2.scoring(),
            RuleSet.B2.sampling(),
            new RuleSet.Limits(
                    RuleSet.B2.limits().exactShape(),
                    RuleSet.B2.limits().maxParameters(),
                    BlockSchedule.always(2_000_000),
                    RuleSet.B2.limits().architectures()),
            RuleSet.B2.fetchList(),
            RuleSet.B2.hashForm(),
            RuleSet.B2.versionKey(),
            RuleSet.B2.referenceFailures());

    @TempDir
    Path dir;

    RuleSet rules = RULES;
    Validator.SeedBy seedBy = Validator.SeedBy.STEP;
    LocalIdentity me = LocalIdentity.of("validator", "default");
    LocalChain chain;
    CountingHub hub;
    ModelLosses evaluator = TinyModels::losses;
    Instant diskClock = NOW;
    List<StepRecord> steps = Collections.synchronizedList(new ArrayList<>());
    List<WeightSubmission> submissions = new ArrayList<>();
    List<Duration> pauses = new ArrayList<>();
    AtomicInteger waits = new AtomicInteger();

    @BeforeEach
    void startNetwork() throws Exception {
        chain = chain(me);
        chain.register(me, 1000);
        hub = new CountingHub(LocalHub.open(dir.resolve("net")));
    }

    @AfterEach
    void stopNetwork() throws Exception {
        chain.close();
    }

    @Test
    void aDayOfGoodAndBadModels() throws Exception {
        publish("good1", model("good1", 3.5f));
        publish("good2", model("good2", 3.6f));
        publish("good3", model("good3", 3.7f));
        publish("nan", model("nan", Float.NaN));
        publish("short", model("short", 2f, 8, 50257));
        commit("liar", "ns", "liar", upload("liar", model("liar", 2f)), A_HASH);
        publish("cut", truncated(model("cut", 2f)));
        publish("fat", fat(model("fat", 2f)));
        commit("chatty", "hello: this is no model");
        int[] uids = {1, 2, 3, 4, 5, 6, 7, 8, 9};

        run(2);

        var first = steps.get(0);
        assertThat(first.evaluations()).extracting(Evaluation::uid).containsExactly(1, 2, 3, 4, 5);
        assertThat(first.evaluations()).extracting(Evaluation::winRate).containsExactly(1.0, 0.75, 0.5, 0.0, 0.0);
        assertThat(first.failed()).containsOnlyKeys(4, 5, 6, 7, 8, 9);
        assertThat(first.failed().get(4)).contains("transformer.ln_f.bias[0]");
        assertThat(first.failed().get(5)).contains("8 positions").contains("1024");
        assertThat(first.failed().get(6)).contains("content hash is").contains(A_HASH);
        assertThat(first.failed().get(7)).contains("cannot be loaded: model.safetensors");
        assertThat(first.failed().get(8)).contains("2000000");
        assertThat(first.failed().get(9)).contains("namespace:name:commit:hash");
        var second = steps.get(1);
        assertThat(second.evaluations()).as("failed models are not carried").hasSize(3);
        assertThat(second.evaluations()).extracting(Evaluation::winRate).containsExactly(1.0, 0.5, 0.0);
        assertThat(second.failed().keySet()).isEqualTo(first.failed().keySet());

        double[] firstShares = softmax(1, 0.75, 0.5);
        double[] secondShares = softmax(1, 0.5, 0);
        var weights = new double[3];
        for (int i = 0; i < 3; i++) {
            weights[i] = 0.5 * (0.5 * firstShares[i]) + 0.5 * secondShares[i];
            assertThat((double) second.weights().get(uids[i])).isCloseTo(weights[i], within(1e-6));
        }
        int secondU16 = (int) Math.rint(weights[1] / weights[0] * 65535);
        assertThat(chain.weights(0).orElseThrow().weights()).isEqualTo(Map.of(1, 65535, 2, secondU16));
        assertThat(secondU16).isBetween(30, 60);
        assertThat(chain.weights(0).orElseThrow().versionKey()).isEqualTo(2021);
        assertThat(submissions).singleElement().satisfies(s -> assertThat(s.includedIn())
                .isPresent());

        assertThat(hub.downloads("ns/fat")).as("too large: nothing fetched").isZero();
        assertThat(hub.downloads("ns/liar")).as("bad models are fetched once").isEqualTo(3);
        assertThat(hub.downloads("ns/cut")).isEqualTo(3);
        assertThat(hub.downloads("ns/nan")).isEqualTo(3);
        assertThat(dir.resolve("store/incoming")).isEmptyDirectory();
    }

    /** The copier comes first, and by the same text another hotkey is the owner. */
    @Test
    void aCopiedCommitmentThatIsBoundToAHotkeyFitsItsOwnerOnly() throws Exception {
        rules = RULES.bindingHotkeys();
        Path model = model("owner", 3.5f);
        String commit = upload("owner", model);
        String hash = rules.hashForm()
                .committed(DirectoryHash.of(model), identity("owner").hotkey());
        commit("copier", "ns", "owner", commit, hash);
        publish("plain", model("plain", 3.6f));
        run(1);
        commit("owner", "ns", "owner", commit, hash);
        run(1);
        assertThat(steps.getLast().evaluations()).extracting(Evaluation::uid).containsExactly(2, 3);
        assertThat(steps.getLast().failed()).containsOnlyKeys(1);
        assertThat(steps.getLast().failed().get(1)).contains("content hash is").contains(hash);
        rules = RULES;
        run(1);
        assertThat(steps.getLast().evaluations())
                .as("by rules that take plain hashes only")
                .extracting(Evaluation::uid)
                .containsExactly(2);
    }

    @Test
    void pagesMayFollowFromABlocksHash() throws Exception {
        seedBy = Validator.SeedBy.BLOCK_HASH;
        publish("good1", model("good1", 3.5f));
        run(2);
        assertThat(steps.get(0).pages()).isEqualTo(steps.get(1).pages());
        var expected = new LetterPages(50, 16)
                .draw(Split.EVAL, 6, PythonRandom.ofBlockHash(chain.periodHash(Validator.SEED_BLOCKS)));
        assertThat(steps.get(0).pages().stream().mapToLong(Long::longValue))
                .containsExactly(expected[0], expected[1], expected[2]);
        advance(Validator.SEED_BLOCKS);
        run(1);
        assertThat(steps.getLast().pages()).isNotEqualTo(steps.get(0).pages());
    }

    @Test
    void continuesAfterARestartAsIfItHadNotStopped() throws Exception {
        publish("good1", model("good1", 3.5f));
        publish("good2", model("good2", 3.45f));
        run(1);
        run(1);
        run(1);
        var restarted = List.copyOf(steps);
        steps.clear();
        Files.move(dir.resolve("store"), dir.resolve("old"));
        run(3);
        assertThat(steps).extracting(StepRecord::step).containsExactly(0L, 1L, 2L);
        assertThat(restarted)
                .usingRecursiveComparison()
                .ignoringFields("seconds", "block", "started")
                .isEqualTo(steps);
        assertThat(steps.get(0).pages()).isNotEqualTo(steps.get(1).pages());
        assertThat(hub.downloads("ns/good1")).as("once per store").isEqualTo(6);
    }

    @Test
    void aFailureOfTheDeviceTouchesNoScore() throws Exception {
        publish("good1", model("good1", 3.5f));
        publish("good2", model("good2", 3.6f));
        run(1);
        publish("good3", model("good3", 3.4f));
        evaluator = (model, batches, limit) -> {
            double[] losses = TinyModels.losses(model, batches, limit);
            if (losses[0] > 3.55) {
                throw new EngineException("out of memory");
            }
            return losses;
        };
        Map<String, Float> before = averages();
        assertThatThrownBy(() -> run(1)).isInstanceOf(EngineException.class);
        assertThat(averages()).isEqualTo(before);
        assertThat(submissions).as("no weights after a failed step").hasSize(1);
        evaluator = TinyModels::losses;
        run(1);
        assertThat(steps.getLast().step()).isEqualTo(1);
        assertThat(steps.getLast().evaluations())
                .as("the new model still waited")
                .hasSize(3);
    }

    @Test
    void aHubThatDoesNotAnswerCostsNobody() throws Exception {
        publish("good1", model("good1", 3.5f));
        publish("good2", model("good2", 3.6f));
        hub.refuse("ns/good2", true);
        run(1);
        assertThat(steps.getLast().evaluations()).extracting(Evaluation::uid).containsExactly(1);
        assertThat(steps.getLast().failed().get(2)).contains("not fetched");
        hub.refuse("ns/good2", false);
        run(1);
        assertThat(steps.getLast().evaluations()).extracting(Evaluation::uid).containsExactly(1, 2);
        assertThat(steps.getLast().failed()).isEmpty();
    }

    @Test
    void aLostModelIsFetchedAgain() throws Exception {
        publish("good1", model("good1", 3.5f));
        run(1);
        try (var lost = Files.walk(dir.resolve("store/models"))) {
            for (Path path : lost.sorted((a, b) -> b.compareTo(a)).toList()) {
                Files.delete(path);
            }
        }
        run(1);
        assertThat(steps.getLast().failed()).isEmpty();
        assertThat(hub.downloads("ns/good1")).isEqualTo(6);
    }

    @Test
    void aNewCommitmentReplacesTheOldModelAndItsSeniority() throws Exception {
        publish("miner1", model("first", 3.5f));
        publish("miner2", model("second", 3.495f));
        run(1);
        assertThat(steps.getLast().evaluations().getFirst().winRate()).isEqualTo(1);
        publish("miner1", model("third", 3.49f));
        run(1);
        assertThat(steps.getLast().evaluations().getFirst().winRate())
                .as("0.14 % better is not enough against an earlier model")
                .isZero();
        assertThat(hub.downloads("ns/miner1")).isEqualTo(6);
    }

    @Test
    void aModelCommittedAgainIsNotFetchedAgain() throws Exception {
        Path good = model("good", 3.5f);
        Path bad = truncated(model("bad", 3.4f));
        String goodCommit = upload("good", good);
        String badCommit = upload("bad", bad);
        for (int i = 0; i < 2; i++) {
            commit("good", "ns", "good", goodCommit, DirectoryHash.of(good));
            commit("bad", "ns", "bad", badCommit, DirectoryHash.of(bad));
            run(1);
            assertThat(steps.getLast().failed()).containsOnlyKeys(2);
        }
        assertThat(hub.downloads("ns/good")).isEqualTo(3);
        assertThat(hub.downloads("ns/bad")).isEqualTo(3);
        assertThat(steps.get(1).evaluations().getFirst().commitment().block())
                .isGreaterThan(
                        steps.get(0).evaluations().getFirst().commitment().block());
    }

    @Test
    void aWrongHashForAnothersRepositoryHarmsOnlyTheLiar() throws Exception {
        Path good = model("good", 3.5f);
        String commit = upload("good", good);
        commit("liar", "ns", "good", commit, A_HASH);
        commit("good", "ns", "good", commit, DirectoryHash.of(good));
        run(1);
        assertThat(steps.getLast().failed()).containsOnlyKeys(1);
        assertThat(steps.getLast().evaluations()).extracting(Evaluation::uid).containsExactly(2);
    }

    @Test
    void deletesTheFilesOfReplacedModels() throws Exception {
        publish("miner1", model("first", 3.5f));
        publish("miner2", model("second", 3.6f));
        run(1);
        publish("miner1", model("third", 3.4f));
        diskClock = Instant.now().plus(Duration.ofDays(1));
        run(1);
        try (var files = Files.find(dir.resolve("store/models"), 9, (path, a) -> path.endsWith("config.json"))) {
            assertThat(files).hasSize(2);
        }
        assertThat(steps.getLast().failed()).isEmpty();
    }

    @Test
    void aBadCommitmentEndsTheOldModel() throws Exception {
        publish("miner1", model("first", 3.5f));
        publish("miner2", model("second", 3.6f));
        run(1);
        commit("miner1", "ns", "miner1", upload("miner1", model("third", 3.4f)), A_HASH);
        run(1);
        assertThat(steps.getLast().evaluations()).extracting(Evaluation::uid).containsExactly(2);
        assertThat(steps.getLast().failed()).containsOnlyKeys(1);
    }

    @Test
    void whoLeavesTheSubnetLosesItsWeightAndItsSuccessorStartsAtZero() throws Exception {
        publish("miner1", model("first", 3.5f));
        publish("miner2", model("second", 3.6f));
        run(1);
        chain.deregister(identity("miner1").hotkey());
        publish("miner3", model("third", 3.7f));
        assertThat(chain.metagraph()
                        .find(identity("miner3").hotkey())
                        .orElseThrow()
                        .uid())
                .isEqualTo(1);
        run(1);
        assertThat(averages()).doesNotContainKey(identity("miner1").hotkey());
        var newcomer = steps.getLast().evaluations().getFirst();
        assertThat(newcomer.uid()).isEqualTo(1);
        assertThat(newcomer.weight()).isEqualTo(newcomer.stepWeight() / 2);
    }

    @Test
    void refusedWeightsAreRecordedAndSaidAloud() throws Exception {
        publish("good1", model("good1", 3.5f));
        chain.deregister(me.hotkey());
        assertThatThrownBy(() -> run(1)).isInstanceOf(RemoteCallException.class).hasMessageContaining("not registered");
        assertThat(steps).hasSize(1);
        assertThat(submissions).singleElement().satisfies(s -> assertThat(s.outcome())
                .contains("not registered"));
        assertThat(pauses).as("not retryable").isEmpty();
    }

    @Test
    void weightsAreTriedAgainWithGrowingPauses() throws Exception {
        publish("good1", model("good1", 3.5f));
        try (var state = openState()) {
            validator(state, new Stubborn(chain, 3), settings(OptionalLong.of(1), 50))
                    .run();
            assertThat(state.submissions()).hasSize(4);
            assertThat(state.submissions().getLast().includedIn()).isPresent();
        }
        assertThat(pauses).containsExactly(Duration.ofSeconds(2), Duration.ofSeconds(4), Duration.ofSeconds(8));
    }

    @Test
    void weightsAreSetEverySoManyBlocks() throws Exception {
        publish("good1", model("good1", 3.5f));
        evaluator = (model, batches, limit) -> {
            advance(20);
            return TinyModels.losses(model, batches, limit);
        };
        try (var state = openState()) {
            validator(state, chain, settings(OptionalLong.of(7), 50)).run();
            assertThat(submissions).extracting(WeightSubmission::step).containsExactly(4L, 7L);
        }
    }

    @Test
    void withoutAnEndItWaitsEvaluatesWhatComesAndStopsWhenAsked() throws Exception {
        publish("good1", model("good1", 3.5f));
        try (var state = openState()) {
            var validator = validator(state, chain, settings(OptionalLong.empty(), 50), null);
            var thread = Thread.ofVirtual().start(() -> {
                try {
                    validator.run();
                } catch (IOException | InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
            while (steps.size() < 3 && System.nanoTime() < deadline) {
                Thread.sleep(5);
            }
            validator.stop();
            assertThat(thread.join(Duration.ofSeconds(10))).isTrue();
        }
        assertThat(steps.size()).isGreaterThanOrEqualTo(3);
        assertThat(steps).extracting(StepRecord::step).startsWith(0L, 1L, 2L);
    }

    private void run(long count) throws IOException, InterruptedException {
        try (var state = openState()) {
            validator(state, chain, settings(OptionalLong.of(count), 1_000_000)).run();
        } finally {
            try (var state = openState()) {
                submissions = new ArrayList<>(state.submissions());
            }
        }
    }

    private ValidatorState openState() throws IOException {
        return ValidatorState.open(dir.resolve("store/validator.db"), 9);
    }

    private Map<String, Float> averages() throws IOException {
        try (var state = openState()) {
            return state.averages();
        }
    }

    private Validator.Settings settings(OptionalLong count, int blocksPerEpoch) {
        return new Validator.Settings(count, blocksPerEpoch, true, 42, seedBy, Duration.ofMillis(20));
    }

    private Validator validator(ValidatorState state, SubnetChain chain, Validator.Settings settings) {
        return validator(state, chain, settings, time -> {
            pauses.add(time);
            return false;
        });
    }

    private Validator validator(ValidatorState state, SubnetChain subnet, Validator.Settings settings, Pause pause) {
        var models = new LocalModelStore(dir.resolve("store"), 1 << 30, Duration.ofMinutes(5), () -> diskClock);
        var updater = new ModelUpdater(chain, hub, models, state, rules, 30);
        var evalStep = new EvalStep(
                evaluator,
                new LetterPages(50, 16),
                new Packer(TOKENIZER, 1, 8),
                models,
                rules,
                new EvalStep.Settings(3, 30, Duration.ofSeconds(60)),
                () -> NOW);
        var listener = new Validator.Listener() {
            @Override
            public void step(StepRecord step) {
                steps.add(step);
            }

            @Override
            public void weights(WeightSubmission submission) {
                submissions.add(submission);
            }

            @Override
            public void waiting(Map<Integer, String> rejected) {
                waits.incrementAndGet();
            }
        };
        return new Validator(settings, rules, subnet, updater, evalStep, models, state, listener, () -> NOW, pause);
    }

    private LocalChain chain(LocalIdentity who) throws IOException {
        return LocalChain.open(
                dir.resolve("net"), who, LocalChainParameters.defaults().withCommitInterval(0), () -> NOW);
    }

    private void advance(long blocks) throws IOException {
        chain.advance(blocks);
    }

    private static LocalIdentity identity(String miner) {
        return LocalIdentity.of(miner, "default");
    }

    private Path model(String name, float loss) throws IOException {
        return model(name, loss, 1024, 50257);
    }

    private Path model(String name, float loss, int positions, int vocabSize) throws IOException {
        Path source = dir.resolve("models/" + name);
        TinyModels.write(source, loss, positions, vocabSize);
        return source;
    }

    private static Path truncated(Path model) throws IOException {
        Path file = model.resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(bytes, bytes.length - 100));
        return model;
    }

    private static Path fat(Path model) throws IOException {
        Files.write(model.resolve("README.md"), new byte[2_000_000]);
        return model;
    }

    private String upload(String miner, Path model) throws IOException, InterruptedException {
        return hub.upload("ns/" + miner, model);
    }

    /** Uploads and commits as a miner would, one block after the last. */
    private void publish(String miner, Path model) throws IOException, InterruptedException {
        commit(miner, "ns", miner, upload(miner, model), DirectoryHash.of(model));
    }

    private void commit(String miner, String namespace, String name, String commit, String hash)
            throws IOException, InterruptedException {
        commit(miner, new ModelId(namespace, name, commit, hash).toCompressedString());
    }

    private void commit(String miner, String text) throws IOException, InterruptedException {
        chain.advance(1);
        try (var theirs = chain(identity(miner))) {
            if (theirs.metagraph().find(identity(miner).hotkey()).isEmpty()) {
                theirs.register(identity(miner), 0);
            }
            theirs.commit(text);
        }
    }

    private static double[] softmax(double... rates) {
        double[] powers =
                Arrays.stream(rates).map(r -> Math.exp((r - rates[0]) / 0.04)).toArray();
        double sum = Arrays.stream(powers).sum();
        return Arrays.stream(powers).map(p -> p / sum).toArray();
    }

    /** The Hub, with a count of what was fetched and a switch for each repository. */
    private static final class CountingHub implements RemoteModelStore {
        private final LocalHub hub;
        private final List<String> downloads = Collections.synchronizedList(new ArrayList<>());
        private final List<String> refused = Collections.synchronizedList(new ArrayList<>());

        CountingHub(LocalHub hub) {
            this.hub = hub;
        }

        void refuse(String repoId, boolean refuse) {
            refused.remove(repoId);
            if (refuse) {
                refused.add(repoId);
            }
        }

        long downloads(String repoId) {
            return downloads.stream().filter(repoId::equals).count();
        }

        @Override
        public String upload(String repoId, Path directory) throws IOException, InterruptedException {
            return hub.upload(repoId, directory);
        }

        @Override
        public List<RemoteFile> files(String repoId, String commit) throws IOException, InterruptedException {
            if (refused.contains(repoId)) {
                throw new RemoteCallException("503 from the Hub", true);
            }
            return hub.files(repoId, commit);
        }

        @Override
        public void download(String repoId, String commit, String path, Path target, long maxBytes)
                throws IOException, InterruptedException {
            downloads.add(repoId);
            hub.download(repoId, commit, path, target, maxBytes);
        }
    }

    /** A chain that refuses weights a few times. */
    private static final class Stubborn implements SubnetChain {
        private final SubnetChain chain;
        private int refusals;

        Stubborn(SubnetChain chain, int refusals) {
            this.chain = chain;
            this.refusals = refusals;
        }

        @Override
        public long block() throws RemoteCallException, InterruptedException {
            return chain.block();
        }

        @Override
        public String periodHash(int period) throws RemoteCallException, InterruptedException {
            return chain.periodHash(period);
        }

        @Override
        public Metagraph metagraph() throws RemoteCallException, InterruptedException {
            return chain.metagraph();
        }

        @Override
        public long setWeights(int[] uids, int[] weights, long versionKey)
                throws RemoteCallException, InterruptedException {
            if (refusals-- > 0) {
                throw new RemoteCallException("connection reset", true);
            }
            return chain.setWeights(uids, weights, versionKey);
        }

        @Override
        public void close() {}
    }
}
