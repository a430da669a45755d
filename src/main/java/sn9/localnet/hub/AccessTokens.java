package sn9.localnet.hub;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.InstantSource;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import sn9.MalformedDataException;
import sn9.Secret;
import sn9.subnet.RepoId;

/**
 * Who may do what on a local network's Hub: a token is its owner's key to the namespace of that name. The folder
 * {@code hub/.tokens} holds a file per token, under its SHA-256, so that no token can be read from the disk.
 */
public final class AccessTokens {
    /** What a token allows its owner. */
    public enum Role {
        /** To see private repositories of the owner. */
        READ,
        /** That, and to create, change and delete them. */
        WRITE
    }

    /**
     * What a token stands for.
     *
     * @param owner the namespace
     * @param role what is allowed there
     * @param created when it was issued
     */
    record Grant(String owner, Role role, Instant created) {}

    /** As the genuine Hub's: {@code hf_} and 34 letters and digits. */
    private static final String PREFIX = "hf_";

    private static final int RANDOM_CHARACTERS = 34;
    private static final String ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private static final int MAX_FILE_BYTES = 4096;

    private final Path folder;
    private final InstantSource clock;
    private final ObjectMapper json = new ObjectMapper();

    private AccessTokens(Path folder, InstantSource clock) {
        this.folder = folder;
        this.clock = clock;
    }

    /** The tokens of a local network, of which there may be none yet. */
    public static AccessTokens open(Path localnetDir, InstantSource clock) throws IOException {
        return new AccessTokens(HubFolder.open(localnetDir).root().resolve(".tokens"), clock);
    }

    /**
     * Makes a new token. Nobody can tell it again.
     *
     * @param owner a namespace, which need not hold a repository
     * @throws IllegalArgumentException when the owner cannot be a namespace
     */
    public Secret issue(String owner, Role role) throws IOException {
        new RepoId(owner, "any");
        var token = new StringBuilder(PREFIX);
        new SecureRandom()
                .ints(RANDOM_CHARACTERS, 0, ALPHABET.length())
                .forEach(at -> token.append(ALPHABET.charAt(at)));
        var grant = Map.of(
                "owner", owner, "role", role.name(), "created", clock.instant().toString());
        PendingFile.write(file(token.toString()), json.writeValueAsBytes(grant));
        return new Secret(token.toString());
    }

    /** What a token stands for, empty when nobody issued it. */
    Optional<Grant> find(String token) throws IOException {
        Path file = file(token);
        try (var in = Files.newInputStream(file)) {
            var grant = json.readTree(in.readNBytes(MAX_FILE_BYTES));
            return Optional.of(new Grant(
                    grant.path("owner").asText(),
                    Role.valueOf(grant.path("role").asText().toUpperCase(Locale.ROOT)),
                    Instant.parse(grant.path("created").asText())));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IllegalArgumentException | DateTimeParseException e) {
            throw new MalformedDataException(file.toString(), -1, "expected owner, role and created", e);
        }
    }

    private Path file(String token) {
        return folder.resolve(Hashes.sha256(token));
    }
}
