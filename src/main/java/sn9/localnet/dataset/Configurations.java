package sn9.localnet.dataset;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import sn9.MalformedDataException;
import sn9.data.CorpusRows;

/** Which rows each configuration of a dataset has. */
final class Configurations {
    /** Configurations of a dataset, at most; FineWeb has some hundred. */
    private static final int MAX_CONFIGS = 1000;

    /** It becomes a part of addresses. */
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,95}");

    private Configurations() {}

    /** The folders of a folder that holds nothing else, or {@code default} for all text of a place. */
    static SortedMap<String, CorpusRows> of(Path corpus) throws IOException {
        var configs = new TreeMap<String, CorpusRows>();
        if (!Files.isDirectory(corpus)) {
            configs.put("default", CorpusRows.open(corpus));
            return configs;
        }
        List<Path> entries;
        try (var list = Files.list(corpus)) {
            entries = list.filter(path -> !path.getFileName().toString().startsWith("."))
                    .limit(MAX_CONFIGS + 1L)
                    .toList();
        }
        if (entries.isEmpty() || !entries.stream().allMatch(Files::isDirectory)) {
            configs.put("default", CorpusRows.open(corpus));
            return configs;
        }
        if (entries.size() > MAX_CONFIGS) {
            throw new MalformedDataException(
                    corpus.toString(), -1, "more than " + MAX_CONFIGS + " folders; each is a configuration");
        }
        for (Path folder : entries) {
            String name = folder.getFileName().toString();
            if (!NAME.matcher(name).matches()) {
                throw new MalformedDataException(
                        folder.toString(), -1, "cannot name a configuration; expected letters, digits, '.', '_', '-'");
            }
            configs.put(name, CorpusRows.open(folder));
        }
        return configs;
    }
}
