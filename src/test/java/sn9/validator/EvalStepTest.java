package sn9.validator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sn9.data.Packer;
import sn9.engine.EngineException;
import sn9.eval.EvaluationTimeoutException;
import sn9.subnet.Commitment;
import sn9.subnet.DirectoryHash;
import sn9.subnet.Metagraph;
import sn9.subnet.ModelId;
import sn9.subnet.Neuron;
import sn9.subnet.RuleSet;
import sn9.tokenizer.Gpt2Tokenizer;

class EvalStepTest {
    private static final Gpt2Tokenizer TOKENIZER = new Gpt2Tokenizer();
    private static final BooleanSupplier ON = () -> false;
    private static final double[][] PUBLISHED = {
        {3.500, 3.400, 3.600, 3.300}, {3.490, 3.370, 3.585, 3.310}, {3.480, 3.390, 3.550, 3.280}
    };

    @TempDir
    Path dir;

    LocalModelStore models;
    List<Candidate> candidates = new ArrayList<>();

    @BeforeEach
    void makeModels() throws IOException {
        models = new LocalModelStore(dir, Long.MAX_VALUE, Duration.ZERO, InstantSource.system());
        add(11, 1000);
        add(22, 1100);
        add(33, 1200);
    }

    /** The vector of spec B.6: epsilon 0.005, temperature 0.04, alpha 0.5. */
    @Test
    void scoresThePublishedVector() throws Exception {
        var step = run(published()).orElseThrow();
        assertThat(step.evaluations()).extracting(Evaluation::uid).containsExactly(11, 22, 33);
        assertThat(step.evaluations()).extracting(Evaluation::wins).containsExactly(4, 3, 5);
        assertThat(step.evaluations()).extracting(Evaluation::winRate).containsExactly(0.5, 0.375, 0.625);
        double[] shares = {0.042010043, 0.001845792, 0.956144165};
        for (int i = 0; i < shares.length; i++) {
            assertThat((double) step.evaluations().get(i).stepWeight()).isCloseTo(shares[i], within(1e-6));
            assertThat((double) step.evaluations().get(i).weight()).isCloseTo(shares[i] / 2, within(1e-6));
        }
        assertThat(step.weights()).containsOnlyKeys(11, 22, 33);
        assertThat(step.averages()).containsOnlyKeys("hotkey-11", "hotkey-22", "hotkey-33");
        assertThat(step.batches()).isEqualTo(4);
        assertThat(step.carried()).containsExactly("hotkey-33", "hotkey-11", "hotkey-22");
        assertThat(step.failed()).isEmpty();
        assertThat(step.seconds()).containsKeys("pages", "evaluate", "score");
    }

    @Test
    void aNewOwnerOfAUidInheritsNothing() throws Exception {
        var averages = Map.of("hotkey-11", 0.4f, "former-owner-of-22", 0.6f, "hotkey-5", 0.2f);
        var step = run(published(), start(averages), 30, ON).orElseThrow();
        assertThat((double) step.averages().get("hotkey-11")).isCloseTo(0.2 + 0.042010043 / 2, within(1e-6));
        assertThat((double) step.averages().get("hotkey-22")).isCloseTo(0.001845792 / 2, within(1e-6));
        assertThat(step.averages()).doesNotContainKey("former-owner-of-22");
        assertThat(step.averages().get("hotkey-5")).as("not evaluated: decays").isEqualTo(0.1f);
    }

    @Test
    void keepsTheBestByWinRate() throws Exception {
        var step = run(published(), start(Map.of()), 2, ON).orElseThrow();
        assertThat(step.carried()).containsExactly("hotkey-33", "hotkey-11");
    }

    @Test
    void anUnfitModelLosesEverythingWithoutBeingOpened() throws Exception {
        var unfit = candidates.get(2);
        candidates.set(
                2,
                new Candidate(
                        33,
                        unfit.hotkey(),
                        unfit.commitment(),
                        unfit.id(),
                        dir.resolve("nowhere"),
                        Optional.of("NaN inside")));
        var step = run(published()).orElseThrow();
        assertFailed(step, "NaN inside");
        assertThat(step.evaluations().getFirst().wins())
                .as("4 against the failed, 3 against 22")
                .isEqualTo(7);
    }

    @Test
    void aLossThatIsNoNumberFailsTheModel() throws Exception {
        assertFailed(
                run(failing(33, () -> new double[] {3.0, Double.NaN, 3.0, 3.0})).orElseThrow(),
                "loss of batch 1 is NaN");
    }

    @Test
    void aModelThatTakesTooLongFailsAlone() throws Exception {
        assertFailed(
                run(failing(33, () -> {
                            throw new EvaluationTimeoutException(Duration.ofSeconds(60), 3, 4);
                        }))
                        .orElseThrow(),
                "took longer");
    }

    @Test
    void aFailedModelThatStillHasWeightIsCarried() throws Exception {
        var step = run(failing(33, () -> new double[] {Double.NaN, 3, 3, 3}), start(Map.of("hotkey-33", 0.5f)), 30, ON)
                .orElseThrow();
        assertThat(step.carried()).containsExactly("hotkey-11", "hotkey-22", "hotkey-33");
        assertThat(step.averages().get("hotkey-33")).isEqualTo(0.25f);
    }

    @Test
    void whereAllFailNobodyGetsWeight() throws Exception {
        var step = run((model, batches, limit) -> new double[] {Double.POSITIVE_INFINITY, 1, 1, 1})
                .orElseThrow();
        assertThat(step.averages()).isEmpty();
        assertThat(step.failed()).hasSize(3);
    }

    @Test
    void aTruncatedModelOfTheCommittedHashFailsAlone() throws Exception {
        replaceFiles(2, true);
        assertFailed(run(published()).orElseThrow(), "model.safetensors");
    }

    @Test
    void filesThatChangedOnOurDiskAbortTheStep() throws Exception {
        replaceFiles(2, false);
        assertThatThrownBy(() -> run(published()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("changed on our disk");
        assertThat(candidates.get(2).directory()).doesNotExist();
        assertThat(candidates.get(1).directory()).exists();
    }

    @Test
    void filesThatAreGoneAbortTheStep() throws Exception {
        models.discard(candidates.get(0).directory());
        assertThatThrownBy(() -> run(published())).isInstanceOf(IOException.class);
    }

    @Test
    void aFailureOfTheDeviceAbortsTheStep() {
        var broken = new EngineException("cudaErrorIllegalAddress");
        assertThatThrownBy(() -> run(failing(22, () -> {
                    throw broken;
                })))
                .isSameAs(broken);
    }

    @Test
    void stopsBetweenModels() throws Exception {
        var evaluated = new ArrayList<Integer>();
        ModelLosses counting = (model, batches, limit) -> {
            evaluated.add(evaluated.size());
            return PUBLISHED[0];
        };
        assertThat(run(counting, start(Map.of()), 30, () -> evaluated.size() == 2))
                .isEmpty();
        assertThat(evaluated).hasSize(2);
    }

    @Test
    void pagesTooShortForABatchAreNamed() {
        var step = new EvalStep(
                published(),
                new LetterPages(3, 1),
                new Packer(TOKENIZER, 1, 8),
                models,
                RuleSet.B2,
                new EvalStep.Settings(1, 30, Duration.ofSeconds(60)),
                InstantSource.system());
        assertThatThrownBy(() -> step.run(start(Map.of()), ON))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("--pages_per_eval");
    }

    private static void assertFailed(StepRecord step, String reason) {
        var failed = step.evaluations().getLast();
        assertThat(failed.failure()).hasValueSatisfying(text -> assertThat(text).contains(reason));
        assertThat(failed.wins()).isZero();
        assertThat(failed.stepWeight()).isZero();
        assertThat(step.failed()).containsOnlyKeys(33);
        assertThat(step.weights()).containsOnlyKeys(11, 22);
        assertThat(step.carried()).containsExactly("hotkey-11", "hotkey-22");
    }

    private interface Losses {
        double[] get() throws IOException, EvaluationTimeoutException;
    }

    /** The losses of the vector, model by model in the order of the candidates that are evaluated. */
    private ModelLosses published() {
        return failing(-1, () -> new double[0]);
    }

    private ModelLosses failing(int uid, Losses losses) {
        return (model, batches, limit) -> {
            int found = Math.round((float) TinyModels.losses(model, List.of(batches.getFirst()), limit)[0]);
            return found == uid ? losses.get() : PUBLISHED[found / 11 - 1];
        };
    }

    @Test
    void aShortOrBrokenPageIsReplacedByAnother() throws Exception {
        for (int seed = 0; seed < 20; seed++) {
            var step = new EvalStep(
                            published(),
                            new LetterPages(6, 16, 2),
                            new Packer(TOKENIZER, 1, 8),
                            models,
                            RuleSet.B2,
                            new EvalStep.Settings(1, 30, Duration.ofSeconds(60)),
                            InstantSource.system())
                    .run(
                            new EvalStep.Start(
                                    0,
                                    start(Map.of()).metagraph(),
                                    candidates,
                                    Map.of(),
                                    Map.of(),
                                    new SplittableRandom(seed)),
                            ON)
                    .orElseThrow();
            assertThat(step.pages().getFirst()).isBetween(2L, 5L);
        }
    }

    private Optional<StepRecord> run(ModelLosses evaluator) throws IOException, InterruptedException {
        return run(evaluator, start(Map.of()), 30, ON);
    }

    private Optional<StepRecord> run(
            ModelLosses evaluator, EvalStep.Start start, int sampleMin, BooleanSupplier stopping)
            throws IOException, InterruptedException {
        var step = new EvalStep(
                evaluator,
                new LetterPages(3, 16),
                new Packer(TOKENIZER, 1, 8),
                models,
                RuleSet.B2,
                new EvalStep.Settings(1, sampleMin, Duration.ofSeconds(60)),
                InstantSource.system());
        return step.run(start, stopping);
    }

    private EvalStep.Start start(Map<String, Float> averages) {
        var neurons = new ArrayList<Neuron>();
        for (int uid : new int[] {5, 11, 22, 33}) {
            neurons.add(new Neuron(uid, "hotkey-" + uid, "coldkey", 0, 0, false, 0));
        }
        var metagraph = new Metagraph(9, 2000, neurons);
        return new EvalStep.Start(0, metagraph, candidates, averages, Map.of(), new SplittableRandom(1));
    }

    private void add(int uid, long block) throws IOException {
        String hotkey = "hotkey-" + uid;
        var nowhere = new ModelId("ns", "name-" + uid, "0".repeat(40), ModelId.NONE);
        Path directory = models.directory(hotkey, nowhere);
        TinyModels.write(directory, uid);
        var id = new ModelId("ns", "name-" + uid, "0".repeat(40), DirectoryHash.of(directory));
        candidates.add(new Candidate(
                uid, hotkey, new Commitment(id.toCompressedString(), block), id, directory, Optional.empty()));
    }

    /** Cuts a model's file short; with or without the hash on chain saying so. */
    private void replaceFiles(int index, boolean committedLikeThat) throws IOException {
        var candidate = candidates.get(index);
        Path file = candidate.directory().resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(bytes, bytes.length / 2));
        if (committedLikeThat) {
            var id = new ModelId(
                    candidate.id().namespace(),
                    candidate.id().name(),
                    candidate.id().commit(),
                    DirectoryHash.of(candidate.directory()));
            candidates.set(
                    index,
                    new Candidate(
                            candidate.uid(),
                            candidate.hotkey(),
                            candidate.commitment(),
                            id,
                            candidate.directory(),
                            Optional.empty()));
        }
    }
}
