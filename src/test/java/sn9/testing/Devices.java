package sn9.testing;

import java.nio.file.Files;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import sn9.engine.Engines;

/**
 * The devices that tests run on: each name is one for {@link Engines#open}. One that is not here is left out with a line
 * that says why; {@code -Dsn9.require=cuda} (or several, with commas) makes that a failure.
 */
public final class Devices {
    /** Names devices that must be here, separated by commas. */
    static final String REQUIRE = "sn9.require";

    private static final List<String> NAMES = List.of("cpu", "cudahost", "cuda");

    private Devices() {}

    /** Every device here; all compute in f32. */
    public static Stream<String> all() {
        return here(System.getProperty(REQUIRE, ""), Devices::whyMissing).stream();
    }

    /** All but the CPU, which others are compared with. */
    public static Stream<String> others() {
        return all().filter(name -> !name.equals("cpu"));
    }

    /** Those that compute in bf16 too. */
    public static Stream<String> bf16() {
        return others();
    }

    static List<String> here(String required, Function<String, Optional<String>> whyMissing) {
        List<String> wanted = required.isBlank()
                ? List.of()
                : Stream.of(required.split(",")).map(String::strip).toList();
        if (!NAMES.containsAll(wanted)) {
            throw new IllegalStateException("-D%s=%s: expected some of %s, separated by commas"
                    .formatted(REQUIRE, required, String.join(", ", NAMES)));
        }
        return NAMES.stream()
                .filter(name -> {
                    Optional<String> missing = whyMissing.apply(name);
                    if (missing.isPresent() && wanted.contains(name)) {
                        throw new IllegalStateException("-D%s=%s, but there is no %s device to test on: %s"
                                .formatted(REQUIRE, required, name, missing.get()));
                    }
                    missing.ifPresent(reason -> System.out.println("skipped on " + name + ": " + reason));
                    return missing.isEmpty();
                })
                .toList();
    }

    private static Optional<String> whyMissing(String device) {
        return switch (device) {
            case "cudahost" ->
                Files.exists(HostBuild.LIBRARY) ? Optional.empty() : Optional.of(HostBuild.LIBRARY + " was not built");
            case "cuda" -> Engines.whyNoCuda();
            default -> Optional.empty();
        };
    }
}
