package sn9.cli;

import java.io.IOException;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import sn9.Secret;
import sn9.localnet.hub.AccessTokens;

/** {@code localnet token}: a key to a namespace of the local Hub. */
@Command(
        name = "token",
        description = "Make a token for the local network's Hub. It is shown this once; clients take it as HF_TOKEN.")
final class LocalnetTokenCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private LocalnetDirOption localnet;

    @Option(
            names = "--owner",
            paramLabel = "NAMESPACE",
            required = true,
            description = "Whose it is: repositories NAMESPACE/... are the owner's.")
    private String owner;

    @Option(
            names = "--role",
            defaultValue = "WRITE",
            description = "WRITE, or READ for private repositories only. Default: ${DEFAULT-VALUE}")
    private AccessTokens.Role role;

    @Mixin
    private LoggingOptions logging;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws IOException {
        localnet.open().close();
        var tokens = AccessTokens.open(localnet.directory(), InstantSource.system());
        Secret token = issue(tokens);
        var answer = new LinkedHashMap<String, Object>();
        answer.put("owner", owner);
        answer.put("role", role.name().toLowerCase(Locale.ROOT));
        answer.put("token", token.reveal());
        var output = Output.of(spec, json);
        if (!output.isJson()) {
            output.text(token.reveal());
        }
        output.json(answer);
        return ExitCode.DONE;
    }

    private Secret issue(AccessTokens tokens) throws IOException {
        try {
            return tokens.issue(owner, role);
        } catch (IllegalArgumentException e) {
            throw Usage.error(spec, "--owner: " + e.getMessage());
        }
    }
}
