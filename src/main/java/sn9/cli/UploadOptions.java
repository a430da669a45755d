package sn9.cli;

import java.util.Optional;
import java.util.OptionalDouble;
import picocli.CommandLine.Option;
import sn9.miner.UploadPolicy;

/** Whether, where and when a miner publishes. */
public final class UploadOptions {
    @Option(
            names = "--offline",
            fallbackValue = "true",
            description = "Train only: no registration check, nothing is published.")
    private boolean offline;

    @Option(
            names = "--upload",
            paramLabel = "WHEN",
            defaultValue = "best",
            description = "best publishes each new best model that qualifies, and when training ends or is stopped;"
                    + " manual says at the end how to; never does neither. Default: ${DEFAULT-VALUE}")
    private UploadPolicy policy;

    @Option(names = "--hf_repo_id", paramLabel = "NAMESPACE/NAME", description = "Repository to publish to.")
    private String repoId;

    @Option(
            names = "--avg_loss_upload_threshold",
            paramLabel = "LOSS",
            description = "Publish only models whose held-out loss is strictly below this; 0 never publishes."
                    + " Default: no threshold")
    private Double threshold;

    @Option(
            names = "--force",
            fallbackValue = "true",
            description = "Replace the committed model even where the gain does not outweigh its seniority.")
    private boolean force;

    @Option(
            names = "--no_wait",
            fallbackValue = "true",
            description = "Do not wait at the end for the chain's limit on commitments.")
    private boolean noWait;

    /** Whether and when to publish; never when offline. */
    UploadPolicy policy() {
        return offline ? UploadPolicy.NEVER : policy;
    }

    /** Repository to publish to, when given. */
    Optional<String> repoId() {
        return Optional.ofNullable(repoId);
    }

    /** Held-out loss below which models are published. */
    OptionalDouble threshold() {
        return threshold == null ? OptionalDouble.empty() : OptionalDouble.of(threshold);
    }

    /** Whether the committed model may be replaced without gain. */
    boolean force() {
        return force;
    }

    /** Whether to wait at the end for the chain's limit on commitments. */
    boolean mayWait() {
        return !noWait;
    }
}
