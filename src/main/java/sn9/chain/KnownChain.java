package sn9.chain;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The chains that users name by a word (opentensor/bittensor:bittensor/core/settings.py). */
public enum KnownChain {
    FINNEY(
            List.of("wss://entrypoint-finney.opentensor.ai:443"),
            Optional.of("0x2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03")),
    TEST(List.of("wss://test.finney.opentensor.ai:443"), Optional.empty()),
    LOCAL(List.of("ws://127.0.0.1:9944"), Optional.empty());

    private final List<String> endpoints;
    private final Optional<String> genesis;

    KnownChain(List<String> endpoints, Optional<String> genesis) {
        this.endpoints = endpoints;
        this.genesis = genesis;
    }

    /** The chain of a name, if it is known. */
    public static Optional<KnownChain> of(String name) {
        return Arrays.stream(values())
                .filter(chain -> chain.name().toLowerCase(Locale.ROOT).equals(name))
                .findFirst();
    }

    /** Its public endpoints. */
    public List<String> endpoints() {
        return endpoints;
    }

    /** The hash of its first block, where that is fixed. */
    public Optional<String> genesis() {
        return genesis;
    }
}
