package sn9.hub;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import sn9.MalformedDataException;
import sn9.Secret;

/**
 * How this machine reaches the Hub: the variables that Hugging Face's tools know (spec/hub.md 2).
 *
 * @param endpoint {@code HF_ENDPOINT} or the public Hub
 * @param token empty to be nobody
 * @param cache folder of the cache that other tools share
 * @param offline whether only the cache may be used
 */
public record HubSettings(String endpoint, Optional<Secret> token, Path cache, boolean offline) {
    private static final Set<String> YES = Set.of("1", "ON", "YES", "TRUE");
    private static final int MAX_TOKEN_BYTES = 4096;

    /** {@code HF_ACCESS_TOKEN} is the reference miner's own; the others are of Hugging Face's tools. */
    private static final List<String> TOKENS = List.of("HF_ACCESS_TOKEN", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN");

    private static final Pattern VARIABLE = Pattern.compile("\\$(?:\\{(\\w+)}|(\\w+))");

    /** Checks the endpoint; throws {@link IllegalArgumentException} when it is no http or https address. */
    public HubSettings {
        endpoint = new HubAddress(endpoint).endpoint();
    }

    /**
     * Reads the environment.
     *
     * @param environment value of a variable, empty when it is not set or blank
     * @param home the user's home folder
     * @param tokenFile holds the token, in place of the environment's; must be there
     * @throws MalformedDataException when a token file is too large to be one
     * @throws IOException when {@code tokenFile} cannot be read
     */
    public static HubSettings of(Function<String, Optional<String>> environment, Path home, Optional<Path> tokenFile)
            throws IOException {
        Path hfHome = path(environment, home, "HF_HOME").orElseGet(() -> path(environment, home, "XDG_CACHE_HOME")
                .orElse(home.resolve(".cache"))
                .resolve("huggingface"));
        Path cache = path(environment, home, "HF_HUB_CACHE")
                .or(() -> path(environment, home, "HUGGINGFACE_HUB_CACHE"))
                .orElse(hfHome.resolve("hub"));
        boolean offline = isYes(environment, "HF_HUB_OFFLINE") || isYes(environment, "TRANSFORMERS_OFFLINE");
        String endpoint = environment.apply("HF_ENDPOINT").orElse(HubAddress.DEFAULT);
        Optional<Secret> token;
        if (tokenFile.isPresent()) {
            token = read(tokenFile.get());
        } else if (isYes(environment, "HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
            token = Optional.empty();
        } else {
            Path usual = path(environment, home, "HF_TOKEN_PATH").orElse(hfHome.resolve("token"));
            token = TOKENS.stream()
                    .flatMap(name -> environment.apply(name).stream())
                    .findFirst()
                    .flatMap(HubSettings::secret);
            if (token.isEmpty() && Files.isRegularFile(usual)) {
                token = read(usual);
            }
        }
        return new HubSettings(endpoint, token, cache, offline);
    }

    private static Optional<Secret> read(Path file) throws IOException {
        try (var in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(MAX_TOKEN_BYTES + 1);
            if (bytes.length > MAX_TOKEN_BYTES) {
                throw new MalformedDataException(
                        file.toString(), MAX_TOKEN_BYTES, "expected a token, found more than a token's bytes");
            }
            return secret(new String(bytes, StandardCharsets.UTF_8));
        }
    }

    private static Optional<Secret> secret(String text) {
        return text.isBlank() ? Optional.empty() : Optional.of(new Secret(text));
    }

    private static boolean isYes(Function<String, Optional<String>> environment, String name) {
        return environment
                .apply(name)
                .filter(value -> YES.contains(value.strip().toUpperCase(Locale.ROOT)))
                .isPresent();
    }

    /** A folder with {@code ~} and variables in it expanded. */
    private static Optional<Path> path(Function<String, Optional<String>> environment, Path home, String name) {
        return environment.apply(name).map(text -> {
            String expanded = VARIABLE.matcher(text).replaceAll(match -> {
                String variable = match.group(1) == null ? match.group(2) : match.group(1);
                return Matcher.quoteReplacement(environment.apply(variable).orElse(match.group()));
            });
            return expanded.equals("~") || expanded.startsWith("~/")
                    ? Path.of(home + expanded.substring(1))
                    : Path.of(expanded);
        });
    }
}
