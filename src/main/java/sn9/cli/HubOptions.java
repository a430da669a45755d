package sn9.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import sn9.http.Http;
import sn9.hub.HubClient;
import sn9.hub.HubModelStore;
import sn9.hub.HubSettings;

/** Which Hub models are on, and who we are there. */
public final class HubOptions {
    @Option(
            names = "--hf_endpoint",
            paramLabel = "URL",
            description = "Address of the Hub, for instance of sn9 localnet --hub_port; then also used with"
                    + " --localnet_dir. Default: HF_ENDPOINT, or https://huggingface.co")
    private String endpoint;

    @Option(
            names = "--hf_token_file",
            paramLabel = "FILE",
            description = "File that holds the Hub's access token. Default: HF_ACCESS_TOKEN, HF_TOKEN,"
                    + " HUGGING_FACE_HUB_TOKEN, or the file that Hugging Face's own tools log in with")
    private Path tokenFile;

    /** Whether a Hub was named, which then serves a local network too. */
    boolean isNamed() {
        return endpoint != null;
    }

    /**
     * Opens the Hub.
     *
     * @param privately whether repositories that have to be created are private
     * @throws picocli.CommandLine.ParameterException when the address is none
     */
    HubModelStore open(CommandSpec spec, boolean privately) throws IOException {
        var settings = settings(spec);
        return new HubModelStore(
                new HubClient(Http.standard(), settings), settings, privately, HubProgress.forThisTerminal());
    }

    private HubSettings settings(CommandSpec spec) throws IOException {
        var environment = Main.environment(spec);
        var known = environment(spec, environment);
        if (endpoint == null) {
            return known;
        }
        return Usage.checked(spec, () -> new HubSettings(endpoint, known.token(), known.cache(), known.offline()));
    }

    private HubSettings environment(CommandSpec spec, Environment environment) throws IOException {
        try {
            return HubSettings.of(
                    environment::get, Path.of(System.getProperty("user.home")), Optional.ofNullable(tokenFile));
        } catch (IllegalArgumentException e) {
            throw Usage.error(spec, "HF_ENDPOINT: " + e.getMessage());
        }
    }
}
