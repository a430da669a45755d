package sn9.testing;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import sn9.engine.Engines;

/** The devices that tests run on: each name is one for {@link Engines#open}. Says which are left out, and why. */
public final class Devices {
    private Devices() {}

    /** Every device here that computes in f32. */
    public static Stream<String> all() {
        return Stream.of("cpu", "cudahost", "cuda").filter(Devices::isHere);
    }

    private static boolean isHere(String device) {
        String missing =
                switch (device) {
                    case "cudahost" ->
                        Files.exists(Path.of(System.getProperty("sn9.native.dir"), "libsn9cudahost.so"))
                                ? null
                                : "libsn9cudahost.so was not built";
                    case "cuda" -> Engines.whyNoCuda().orElse(null);
                    default -> null;
                };
        if (missing != null) {
            if (device.equals(System.getProperty("sn9.require"))) {
                throw new IllegalStateException("-Dsn9.require=" + device + ", but " + missing);
            }
            System.out.println("skipped on " + device + ": " + missing);
        }
        return missing == null;
    }
}
