package sn9.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import sn9.subnet.DirectoryHash;
import sn9.subnet.ModelId;
import sn9.subnet.RepoId;

/** {@code localnet publish}: what {@code upload} would refuse, to rehearse what validators do with a bad model. */
@Command(
        name = "publish",
        description = "Publish and commit a directory on a local network without judging it, to rehearse how validators"
                + " take a bad model. 'upload' is for good ones.")
final class LocalnetPublishCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private LocalnetOption localnet;

    @Mixin
    private SubtensorOptions subtensor;

    @Mixin
    private WalletOptions wallet;

    @Mixin
    private HubOptions hub;

    @Option(
            names = "--load_model_dir",
            paramLabel = "DIR",
            required = true,
            description = "The directory to publish, whatever is in it.")
    private Path directory;

    @Option(
            names = "--hf_repo_id",
            paramLabel = "NAMESPACE/NAME",
            required = true,
            description = "Repository to publish to.")
    private String repoId;

    @Mixin
    private LoggingOptions logging;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws IOException, InterruptedException {
        var repository = Usage.checked(spec, () -> RepoId.parse(repoId));
        try (var network = localnet.rehearse(spec, subtensor, wallet, hub)) {
            String commit = network.store().upload(repoId, directory);
            var id = new ModelId(repository.namespace(), repository.name(), commit, DirectoryHash.of(directory));
            var commitment = network.metadata().commit(id.toCompressedString());
            var answer = new LinkedHashMap<String, Object>();
            answer.put("hotkey", network.hotkey());
            answer.put("repo_id", repoId);
            answer.put("commit", commit);
            answer.put("hash", id.hash());
            answer.put("commitment", commitment.text());
            answer.put("block", commitment.block());
            var output = Output.of(spec, json);
            output.text("published without a look: " + commitment.text() + " at block " + commitment.block());
            output.json(answer);
        }
        return ExitCode.DONE;
    }
}
