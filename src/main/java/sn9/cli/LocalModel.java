package sn9.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import sn9.MalformedDataException;
import sn9.checkpoint.HfConfig;
import sn9.checkpoint.ModelDirectory;
import sn9.model.Gpt2Config;
import sn9.subnet.DirectoryHash;
import sn9.subnet.ModelFacts;
import sn9.subnet.ModelId;
import sn9.subnet.ModelShape;
import sn9.subnet.RuleSet;

/** A model directory on this machine, as the rules see it. */
final class LocalModel {
    private LocalModel() {}

    /**
     * Reads everything the rules judge, all parameters included.
     *
     * @throws MalformedDataException when the directory is no readable model
     */
    static ModelFacts facts(Path directory, RuleSet rules, Optional<String> committedHash) throws IOException {
        String hash = hash(directory, rules);
        try (var model = ModelDirectory.open(directory)) {
            return new ModelFacts(
                    model.hfConfig().architecture(),
                    shape(model.config()),
                    model.parameterCount(),
                    bytes(directory),
                    model.nonFinite(),
                    hash,
                    committedHash);
        }
    }

    /** The rules that any model of a shape would break, committed at a block. */
    static List<String> violations(Gpt2Config config, RuleSet rules, long block) {
        return rules.criteria(block)
                .violations(new ModelFacts(
                        HfConfig.GPT2,
                        shape(config),
                        config.parameterCount(),
                        0,
                        Optional.empty(),
                        ModelId.NONE,
                        Optional.empty()));
    }

    /**
     * The hash of exactly the files that the rules' fetch list takes.
     *
     * @throws MalformedDataException when one of them is missing
     */
    static String hash(Path directory, RuleSet rules) throws IOException {
        var files = files(directory);
        var missing = rules.fetchList().missing(files);
        if (!missing.isEmpty()) {
            throw new MalformedDataException(
                    directory.toString(), -1, "lacks " + String.join(", ", missing) + "; is it a model directory?");
        }
        return DirectoryHash.of(directory, rules.fetchList().select(files));
    }

    /** Size of all files, those that others will not fetch included: the limit counts them. */
    static long bytes(Path directory) throws IOException {
        long bytes = 0;
        for (String file : files(directory)) {
            bytes += Files.size(directory.resolve(file));
        }
        return bytes;
    }

    private static ModelShape shape(Gpt2Config config) {
        return new ModelShape(config.nLayer(), config.nHead(), config.nEmbd(), config.nPositions(), config.vocabSize());
    }

    /** Names of all regular files, links to such included, in order. */
    static List<String> files(Path directory) throws IOException {
        try (var paths = Files.walk(directory)) {
            return paths.filter(Files::isRegularFile)
                    .map(path -> directory.relativize(path).toString())
                    .sorted()
                    .toList();
        }
    }
}
