package sn9.subnet;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import sn9.subnet.RemoteModelStore.RemoteFile;

/**
 * Which files of a repository make up a model: exactly these are downloaded, and exactly these enter the
 * {@link DirectoryHash} (spec B.5). README, tokeniser and git files stay out.
 *
 * @param parameters the file that holds the parameters
 * @param required other files that must be there
 * @param optional files that are taken when they are there
 * @param sharded whether {@code <parameters>.index.json} and its shards may stand in for a missing parameters file
 */
public record FetchList(String parameters, List<String> required, List<String> optional, boolean sharded) {
    /** Copies the lists. */
    public FetchList {
        required = List.copyOf(required);
        optional = List.copyOf(optional);
    }

    /** The files to fetch out of all files of a repository, in no particular order. */
    public List<String> select(Collection<String> files) {
        List<String> selected = new ArrayList<>();
        required.stream().filter(files::contains).forEach(selected::add);
        optional.stream().filter(files::contains).forEach(selected::add);
        if (files.contains(parameters)) {
            selected.add(parameters);
        } else if (sharded && files.contains(index())) {
            selected.add(index());
            Pattern shard = shardPattern();
            files.stream().filter(f -> shard.matcher(f).matches()).forEach(selected::add);
        }
        return selected;
    }

    /** As {@link #select}, with their sizes. */
    public List<RemoteFile> choose(List<RemoteFile> files) {
        var names = Set.copyOf(select(files.stream().map(RemoteFile::path).toList()));
        return files.stream().filter(file -> names.contains(file.path())).toList();
    }

    /** The files that a repository lacks, empty when it is whole. */
    public List<String> missing(Collection<String> files) {
        List<String> missing = new ArrayList<>(required);
        missing.removeIf(files::contains);
        if (!files.contains(parameters) && !(sharded && files.contains(index()))) {
            missing.add(parameters);
        }
        return missing;
    }

    private String index() {
        return parameters + ".index.json";
    }

    /** {@code model-00001-of-00002.safetensors} for {@code model.safetensors}. */
    private Pattern shardPattern() {
        int dot = parameters.lastIndexOf('.');
        return Pattern.compile(Pattern.quote(parameters.substring(0, dot)) + "-\\d{5}-of-\\d{5}"
                + Pattern.quote(parameters.substring(dot)));
    }
}
