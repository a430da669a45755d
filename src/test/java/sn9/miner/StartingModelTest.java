package sn9.miner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sn9.MalformedDataException;
import sn9.RemoteCallException;
import sn9.checkpoint.ModelDirectory;
import sn9.model.Gpt2Config;
import sn9.subnet.DirectoryHash;
import sn9.subnet.ModelId;
import sn9.testing.TinyModel;

class StartingModelTest {
    @TempDir
    Path dir;

    private static StartingModel wish(boolean best, Integer uid, Path modelDir, Path modelFile) {
        return new StartingModel(
                best,
                uid == null ? OptionalInt.empty() : OptionalInt.of(uid),
                Optional.ofNullable(modelDir),
                Optional.ofNullable(modelFile),
                TinyModel.SHAPE);
    }

    private Path resolve(StartingModel start, TestNetwork network) throws Exception {
        return start.resolve(network::models, dir.resolve("downloads")).orElseThrow();
    }

    @Test
    void theFirstWishCounts() throws Exception {
        var ofAlice = TinyModel.write(dir.resolve("a"), 1);
        var ofBob = TinyModel.write(dir.resolve("b"), 2);
        var local = TinyModel.write(dir.resolve("c"), 3);
        var bare = TinyModel.write(dir.resolve("d"), 4).resolve("model.safetensors");
        try (var alice = new TestNetwork(dir.resolve("net"), "alice");
                var bob = new TestNetwork(dir.resolve("net"), "bob");
                var validator = new TestNetwork(dir.resolve("net"), "vali")) {
            alice.publisher(dir.resolve("work")).publish(ofAlice, "alice/m", () -> true);
            bob.publisher(dir.resolve("work")).publish(ofBob, "bob/m", () -> true);
            assertThatThrownBy(() -> resolve(wish(true, 0, local, bare), alice))
                    .isInstanceOf(RemoteCallException.class)
                    .hasMessageContaining("none of the 0 neurons with incentive");
            reward(validator, bob);

            assertThat(DirectoryHash.of(resolve(wish(true, 0, local, bare), alice)))
                    .isEqualTo(DirectoryHash.of(ofBob));
            assertThat(DirectoryHash.of(resolve(wish(false, 0, local, bare), alice)))
                    .isEqualTo(DirectoryHash.of(ofAlice));
            assertThat(resolve(wish(false, null, local, bare), alice)).isEqualTo(local);
            var wrapped = resolve(wish(false, null, null, bare), alice);
            assertThat(Files.mismatch(wrapped.resolve("model.safetensors"), bare))
                    .isEqualTo(-1);
            assertThat(wish(false, null, null, null).resolve(alice::models, dir))
                    .isEmpty();
        }
    }

    /** All incentive goes to one miner. */
    private static void reward(TestNetwork validator, TestNetwork miner) throws Exception {
        validator.chain.deregister(validator.hotkey());
        validator.chain.register(validator.identity, 1000);
        int uid = miner.chain.metagraph().find(miner.hotkey()).orElseThrow().uid();
        validator.chain.setWeights(new int[] {uid}, new int[] {65535}, 2021);
        validator.chain.advance(1000);
    }

    @Test
    void aModelThatIsNotWhatWasCommittedIsRefused() throws Exception {
        var model = TinyModel.write(dir.resolve("a"), 1);
        try (var alice = new TestNetwork(dir.resolve("net"), "alice")) {
            String commit = alice.hub.upload("alice/m", model);
            String lie = DirectoryHash.of(TinyModel.write(dir.resolve("b"), 2));
            alice.chain.commit(new ModelId("alice", "m", commit, lie).toCompressedString());
            assertThatThrownBy(() -> resolve(wish(false, 0, null, null), alice))
                    .isInstanceOf(MalformedDataException.class)
                    .hasMessageContaining("the commitment says " + lie);
            try (var left = Files.walk(dir.resolve("downloads"))) {
                assertThat(left.filter(Files::isRegularFile)).isEmpty();
            }
            assertThatThrownBy(() -> resolve(wish(false, 7, null, null), alice))
                    .hasMessageContaining("nobody holds uid 7");
        }
    }

    @Test
    void aDownloadIsReusedOnlyWhenItIsWhole() throws Exception {
        var model = TinyModel.write(dir.resolve("a"), 1);
        try (var alice = new TestNetwork(dir.resolve("net"), "alice")) {
            alice.publisher(dir.resolve("work")).publish(model, "alice/m", () -> true);
            var first = resolve(wish(false, 0, null, null), alice);
            Files.writeString(first.resolve("config.json"), "{}");
            var again = resolve(wish(false, 0, null, null), alice);
            assertThat(again).isEqualTo(first);
            assertThat(DirectoryHash.of(again)).isEqualTo(DirectoryHash.of(model));
        }
    }

    @Test
    void aBareFileMustFitTheShape() throws Exception {
        var bare = TinyModel.write(dir.resolve("a"), 1).resolve("model.safetensors");
        var wider = new StartingModel(
                false,
                OptionalInt.empty(),
                Optional.empty(),
                Optional.of(bare),
                new Gpt2Config(11, 8, 16, 1, 2, 1e-5f));
        assertThatThrownBy(() -> wider.resolve(() -> null, dir.resolve("d")))
                .isInstanceOf(MalformedDataException.class);
        assertThatThrownBy(() -> wish(false, null, null, dir.resolve("none")).resolve(() -> null, dir.resolve("d")))
                .isInstanceOf(NoSuchFileException.class);
        try (var fits = ModelDirectory.open(wish(false, null, null, bare)
                .resolve(() -> null, dir.resolve("d"))
                .orElseThrow())) {
            assertThat(fits.config()).isEqualTo(TinyModel.SHAPE);
        }
    }

    @Test
    void aBareFileMayBeAStateDictOfPyTorch() throws Exception {
        var golden = Path.of("src/test/resources/golden");
        var shape = new Gpt2Config(257, 64, 32, 2, 2, 1e-5f);
        for (var file : List.of(golden.resolve("gpt2-tiny/model.safetensors"), golden.resolve("torch/tiny.pth"))) {
            var start = new StartingModel(false, OptionalInt.empty(), Optional.empty(), Optional.of(file), shape);
            try (var model = ModelDirectory.open(
                    start.resolve(() -> null, dir.resolve("d")).orElseThrow())) {
                assertThat(model.config()).isEqualTo(shape);
            }
        }
        assertThat(dir.resolve("d/load_model").toFile().list())
                .containsExactlyInAnyOrder("config.json", "pytorch_model.bin");
    }
}
