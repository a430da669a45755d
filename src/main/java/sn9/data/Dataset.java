package sn9.data;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Which dataset of the Hub, and what of it.
 *
 * @param id {@code namespace/name}
 * @param configs the configurations wanted; none for all, without {@code default} where there are others, as the network
 *     takes FineWeb (spec/subnet.md C 8)
 * @param split the split of every configuration, {@code train} on the network
 */
public record Dataset(String id, List<String> configs, String split) {
    private static final Pattern ID =
            Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9][A-Za-z0-9._-]{0,95})?");

    /** What generations A and B train and evaluate on. */
    public static final Dataset FALCON = new Dataset("tiiuae/falcon-refinedweb", List.of(), "train");

    /** Rows of {@link #FALCON}, a constant of the reference (spec/subnet.md B.3). */
    static final long FALCON_ROWS = 968_000_015;

    /** Checks the names; throws {@link IllegalArgumentException}. */
    public Dataset {
        configs = List.copyOf(configs);
        if (!ID.matcher(id).matches()) {
            throw new IllegalArgumentException("dataset \"" + id + "\": expected namespace/name, such as " + FALCON.id);
        }
    }

    /** Those of some configurations that are wanted, in their order. */
    List<String> wanted(Collection<String> all) {
        var wanted = new ArrayList<>(all);
        if (configs.isEmpty()) {
            wanted.removeIf(config -> config.equals("default") && all.size() > 1);
        } else {
            wanted.retainAll(configs);
        }
        return wanted;
    }

    @Override
    public String toString() {
        return id + (configs.isEmpty() ? "" : " " + String.join(",", configs)) + " " + split;
    }
}
