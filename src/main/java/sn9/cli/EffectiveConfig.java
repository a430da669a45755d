package sn9.cli;

import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Model.CommandSpec;
import sn9.subnet.RuleSet;

/** What a command runs with, wherever each value came from: enough to repeat the run. Secrets are masked. */
final class EffectiveConfig {
    private static final Logger LOG = LoggerFactory.getLogger(EffectiveConfig.class);

    private EffectiveConfig() {}

    /** Logs {@link #describe}: at INFO for a command that runs long ({@link LongRunning}), at DEBUG for others. */
    static void log(CommandSpec spec, Environment environment) {
        String text = describe(spec, environment);
        if (spec.userObject() instanceof LongRunning) {
            LOG.info("{}", text);
        } else {
            LOG.debug("{}", text);
        }
    }

    /** The command and {@code --flag=value} of every flag that has a value, sorted by name, with the secrets at hand. */
    static String describe(CommandSpec spec, Environment environment) {
        var values = new TreeMap<String, String>();
        for (var option : spec.options()) {
            if (!option.usageHelp() && !option.versionHelp() && option.getValue() != null) {
                values.put(option.longestName(), text(option.getValue()));
            }
        }
        var text = new StringBuilder("command=").append(spec.qualifiedName());
        values.forEach(
                (flag, value) -> text.append(' ').append(flag).append('=').append(value));
        environment.secrets().forEach((name, secret) -> {
            if (name.startsWith("HF_") || name.startsWith("WANDB_") || name.startsWith("SN9_")) {
                text.append(' ').append(name).append('=').append(secret);
            }
        });
        return environment.redact(text.toString());
    }

    /** As the user would write it. */
    private static String text(Object value) {
        return value instanceof RuleSet rules ? rules.name() : value.toString();
    }
}
