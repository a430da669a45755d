package sn9.miner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import sn9.MalformedDataException;
import sn9.RemoteCallException;
import sn9.localnet.LocalIdentity;
import sn9.subnet.CommitTooSoonException;
import sn9.subnet.DirectoryHash;
import sn9.subnet.HashForm;
import sn9.subnet.ModelId;
import sn9.subnet.ModelMetadataStore;
import sn9.subnet.RemoteModelStore;
import sn9.subnet.RuleSet;
import sn9.subnet.SubnetChain;
import sn9.testing.TinyModel;

class PublisherTest {
    private static final String REPO = "alice/gpt2";

    @TempDir
    Path dir;

    @Test
    void publishesWhatValidatorsThenFetch() throws Exception {
        var model = TinyModel.write(dir.resolve("model"), 1);
        try (var network = new TestNetwork(dir.resolve("net"), "alice")) {
            var publication = network.publisher(dir.resolve("work")).publish(model, REPO, () -> false);
            assertThat(publication.repeated()).isFalse();
            assertThat(publication.id().hash()).isEqualTo(DirectoryHash.of(model));
            var commitment = network.chain.commitment(network.hotkey()).orElseThrow();
            assertThat(ModelId.parse(commitment.text())).isEqualTo(publication.id());
            assertThat(commitment.block()).isEqualTo(publication.block());
            var fetched = network.models().fetch(network.hotkey(), commitment, dir.resolve("fetched"));
            assertThat(DirectoryHash.of(fetched)).isEqualTo(DirectoryHash.of(model));
            assertThat(dir.resolve("work")).isEmptyDirectory();
        }
    }

    @Test
    void aHashBoundToTheHotkeyIsNobodyElses() throws Exception {
        var model = TinyModel.write(dir.resolve("model"), 1);
        try (var network = new TestNetwork(dir.resolve("net"), "alice")) {
            var bound = new NetworkModels(network.chain, network.chain, network.hub, RuleSet.B2.bindingHotkeys());
            var publisher = new Publisher(bound, network.hotkey(), dir.resolve("work"), _ -> {});
            var publication = publisher.publish(model, REPO, () -> false);
            assertThat(publication.id().hash())
                    .isEqualTo(HashForm.HOTKEY_BOUND.committed(DirectoryHash.of(model), network.hotkey()));
            assertThat(publisher.publish(model, REPO, () -> false).repeated()).isTrue();
            var commitment = network.chain.commitment(network.hotkey()).orElseThrow();
            assertThat(DirectoryHash.of(bound.fetch(network.hotkey(), commitment, dir.resolve("fetched"))))
                    .isEqualTo(DirectoryHash.of(model));
            String other = LocalIdentity.of("mallory", "default").hotkey();
            assertThatThrownBy(() -> bound.fetch(other, commitment, dir.resolve("other")))
                    .isInstanceOf(MalformedDataException.class)
                    .hasMessageContaining("content hash is");
            assertThatThrownBy(() -> network.models().fetch(network.hotkey(), commitment, dir.resolve("plain")))
                    .isInstanceOf(MalformedDataException.class);
        }
    }

    @Test
    void aFailureAtAnyPointIsMendedByDoingItAgain() throws Exception {
        var model = TinyModel.write(dir.resolve("model"), 1);
        var reached = new ArrayList<String>();
        for (int point = 0; ; point++) {
            try (var network = new TestNetwork(dir.resolve("net" + point), "alice")) {
                var faults = new FaultPoints(point);
                var commits = new FaultPoints(-1);
                publishTwice(network, faults, commits, model);
                assertThat(commits.points).as("commits with a fault %s", point).containsOnlyOnce("after commit");
                if (faults.points.size() <= point) {
                    reached.addAll(faults.points);
                    break;
                }
            }
        }
        assertThat(reached).contains("after upload", "before download", "after commit", "after commitment");
        assertThat(reached.getLast()).isEqualTo("after commitment");
    }

    /** Once with a fault, once without; the second must find or make the one publication. */
    private void publishTwice(TestNetwork network, FaultPoints faults, FaultPoints commits, Path model)
            throws IOException, InterruptedException {
        ModelMetadataStore counted = commits.around(ModelMetadataStore.class, network.chain);
        var faulty = new NetworkModels(
                faults.around(SubnetChain.class, network.chain),
                faults.around(ModelMetadataStore.class, counted),
                faults.around(RemoteModelStore.class, network.hub),
                RuleSet.B2);
        try {
            new Publisher(faulty, network.hotkey(), dir.resolve("work"), _ -> {}).publish(model, REPO, () -> false);
        } catch (RemoteCallException e) {
            assertThat(e)
                    .as("a commitment the chain took is no failure, whatever the call said")
                    .hasMessageMatching("injected (before|after (?!commit$)).*");
        }
        var sound = new NetworkModels(network.chain, counted, network.hub, RuleSet.B2);
        var publication =
                new Publisher(sound, network.hotkey(), dir.resolve("work"), _ -> {}).publish(model, REPO, () -> false);
        assertThat(network.chain.commitment(network.hotkey()).orElseThrow().text())
                .isEqualTo(publication.id().toCompressedString());
        assertThat(publication.id().hash()).isEqualTo(DirectoryHash.of(model));
        assertThat(dir.resolve("work")).isEmptyDirectory();
    }

    @Test
    void neverCommitsTheSameModelAgain() throws Exception {
        var model = TinyModel.write(dir.resolve("model"), 1);
        try (var network = new TestNetwork(dir.resolve("net"), "alice")) {
            var publisher = network.publisher(dir.resolve("work"));
            var first = publisher.publish(model, REPO, () -> true);
            network.chain.advance(1000);
            var second = publisher.publish(model, REPO, () -> true);
            assertThat(second.repeated()).isTrue();
            assertThat(second.id()).isEqualTo(first.id());
            assertThat(network.chain.commitment(network.hotkey()).orElseThrow().block())
                    .isEqualTo(first.block());
        }
    }

    @Test
    void waitsForTheRateLimitWhenItMay() throws Exception {
        var first = TinyModel.write(dir.resolve("first"), 1);
        var second = TinyModel.write(dir.resolve("second"), 2);
        try (var network = new TestNetwork(dir.resolve("net"), "alice")) {
            var publisher = network.publisher(dir.resolve("work"));
            long block = publisher.publish(first, REPO, () -> true).block();
            assertThatThrownBy(() -> publisher.publish(second, REPO, () -> false))
                    .isInstanceOfSatisfying(CommitTooSoonException.class, e -> assertThat(e.blocksToWait())
                            .isEqualTo(100));
            var publication = publisher.publish(second, REPO, () -> true);
            assertThat(publication.block()).isEqualTo(block + 100);
            assertThat(publication.id().hash()).isEqualTo(DirectoryHash.of(second));
        }
    }

    @Test
    void refusesADirectoryThatIsNoModelOrChangesMeanwhile() throws Exception {
        var model = TinyModel.write(dir.resolve("model"), 1);
        try (var network = new TestNetwork(dir.resolve("net"), "alice")) {
            var publisher = network.publisher(dir.resolve("work"));
            var empty = Files.createDirectory(dir.resolve("empty"));
            assertThatThrownBy(() -> publisher.publish(empty, REPO, () -> false))
                    .isInstanceOf(MalformedDataException.class)
                    .hasMessageContaining("lacks config.json, model.safetensors");
            assertThatThrownBy(() -> publisher.publish(model, "no-slash", () -> false))
                    .isInstanceOf(IllegalArgumentException.class);
            RemoteModelStore meddling = meddling(network.hub, model);
            var models = new NetworkModels(network.chain, network.chain, meddling, RuleSet.B2);
            assertThatThrownBy(() -> new Publisher(models, network.hotkey(), dir.resolve("work"), _ -> {})
                            .publish(model, REPO, () -> false))
                    .isInstanceOf(MalformedDataException.class)
                    .hasMessageContaining("what came back has hash");
            assertThat(network.chain.commitment(network.hotkey())).isEmpty();
        }
    }

    /** A store whose upload finds the directory changed since it was hashed. */
    private static RemoteModelStore meddling(RemoteModelStore real, Path model) {
        return new RemoteModelStore() {
            @Override
            public String upload(String repoId, Path directory) throws IOException, InterruptedException {
                Files.writeString(model.resolve("config.json"), " ", StandardOpenOption.APPEND);
                return real.upload(repoId, directory);
            }

            @Override
            public List<RemoteFile> files(String repoId, String commit) throws IOException, InterruptedException {
                return real.files(repoId, commit);
            }

            @Override
            public void download(String repoId, String commit, String path, Path target, long maxBytes)
                    throws IOException, InterruptedException {
                real.download(repoId, commit, path, target, maxBytes);
            }
        };
    }
}
