package sn9.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import sn9.MalformedDataException;
import sn9.hub.HubModelStore;
import sn9.subnet.DirectoryHash;
import sn9.subnet.RemoteModelStore.RemoteFile;
import sn9.subnet.RepoId;
import sn9.subnet.Verdict;

/** {@code model get}: fetches a model as a validator would, of a uid or straight from a repository. */
@Command(
        name = "get",
        description =
                "Download a model: of a uid, verified against its commitment, or of a repository. Exactly the files"
                        + " that validators fetch; a download that was cut off goes on where it was.")
final class ModelGetCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(
            paramLabel = "UID|NAMESPACE/NAME[@REVISION]",
            description = "A uid of the subnet, or a repository of the Hub at a branch, tag or commit (default: main).")
    private String model;

    @Option(
            names = "--download_dir",
            paramLabel = "DIR",
            description = "Where to put it, as DIR/models--NAMESPACE--NAME/snapshots/COMMIT. Default: models for a uid;"
                    + " for a repository the cache that Hugging Face's tools share (HF_HOME)")
    private Path folder;

    @Mixin
    private WalletOptions wallet;

    @Mixin
    private SubtensorOptions subtensor;

    @Mixin
    private LocalnetOption localnet;

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
        Path directory = model.matches("[0-9]{1,5}") ? ofUid(Integer.parseInt(model)) : ofRepository();
        var files = LocalModel.files(directory);
        String hash = DirectoryHash.of(directory, files);
        var answer = new LinkedHashMap<String, Object>();
        answer.put("path", directory.toString());
        answer.put("commit", directory.getFileName().toString());
        answer.put("hash", hash);
        answer.put("bytes", LocalModel.bytes(directory));
        answer.put("files", files);
        var output = Output.of(spec, json);
        output.text(directory + ", hash " + hash);
        output.json(answer);
        return ExitCode.DONE;
    }

    private Path ofUid(int uid) throws IOException, InterruptedException {
        try (var network = Network.open(spec, localnet.directory(), subtensor, wallet, rules.rules(), hub, false)) {
            return network.models().fetchUid(uid, folder == null ? Path.of("models") : folder);
        }
    }

    private Path ofRepository() throws IOException, InterruptedException {
        if (localnet.directory().isPresent() && !hub.isNamed()) {
            throw Usage.error(
                    spec,
                    "a repository is read from a Hub: start sn9 localnet --hub_port and give --hf_endpoint, or a uid");
        }
        int at = model.indexOf('@');
        var repo = Usage.checked(spec, () -> RepoId.parse(at < 0 ? model : model.substring(0, at)));
        try (var store = hub.open(spec, false)) {
            String commit = store.resolve(repo, at < 0 ? "main" : model.substring(at + 1));
            var chosen = chosen(store, repo, commit);
            if (folder == null) {
                return store.snapshot(repo, commit, chosen);
            }
            Path target = folder.resolve("models--" + repo.namespace() + "--" + repo.name())
                    .resolve("snapshots")
                    .resolve(commit);
            for (RemoteFile file : chosen) {
                Path path = target.resolve(file.path());
                Files.createDirectories(path.getParent());
                store.download(repo.toString(), commit, file.path(), path, file.bytes());
            }
            return target;
        }
    }

    /** The files that validators would fetch, when the repository keeps the rules. */
    private List<RemoteFile> chosen(HubModelStore store, RepoId repo, String commit)
            throws IOException, InterruptedException {
        var files = store.files(repo.toString(), commit);
        if (rules.rules().criteria(Long.MAX_VALUE).judgeRepository(files) instanceof Verdict.Rejected(String reason)) {
            throw new MalformedDataException(repo + "@" + commit, -1, reason);
        }
        return rules.rules().fetchList().choose(files);
    }
}
