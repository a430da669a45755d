package sn9.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.OptionSpec;
import sn9.MalformedDataException;
import sn9.Secret;

/** The variables of the process and, where it has none of a name, those of {@code .env}. Secrets leave it masked. */
public final class Environment {
    private static final Pattern SECRET_NAME = Pattern.compile(".*(TOKEN|API_KEY|PASSWORD|MNEMONIC|SECRET|_PW_).*");

    /** Groups of flags whose variables the Bittensor tools know as {@code BT_...}. */
    private static final Pattern BITTENSOR_FLAG = Pattern.compile("--(wallet|subtensor|logging)\\..*");

    private final Map<String, String> variables;

    private Environment(Map<String, String> variables) {
        this.variables = variables;
    }

    /**
     * Joins the process's variables with those of a file.
     *
     * @param dotEnv need not exist
     * @throws MalformedDataException when the file is not of {@code .env}'s syntax
     */
    public static Environment load(Map<String, String> process, Path dotEnv) throws MalformedDataException {
        var variables = new LinkedHashMap<>(DotEnv.read(dotEnv));
        variables.putAll(process);
        return new Environment(variables);
    }

    /** The value of a variable that is set and not blank. */
    public Optional<String> get(String name) {
        return Optional.ofNullable(variables.get(name)).filter(v -> !v.isBlank());
    }

    /** As {@link #get}, for what must never be printed. */
    public Optional<Secret> secret(String name) {
        return get(name).map(Secret::new);
    }

    /** A text for people with the values of all variables that hold secrets taken out. */
    public String redact(String text) {
        String redacted = text;
        for (var secret : secrets().values()) {
            redacted = secret.redact(redacted);
        }
        return redacted;
    }

    /** The secrets this program reads that are set, by variable, in order. */
    Map<String, Secret> secrets() {
        var secrets = new TreeMap<String, Secret>();
        variables.forEach((name, value) -> {
            if (SECRET_NAME.matcher(name).matches() && value.strip().length() >= 6) {
                secrets.put(name, new Secret(value));
            }
        });
        return secrets;
    }

    /** The variable that stands for a flag: {@code --wallet.name} is {@code SN9_WALLET_NAME}. */
    static String variable(String prefix, String flag) {
        return prefix + flag.replaceFirst("^-+", "").toUpperCase(Locale.ROOT).replaceAll("[^A-Z0-9]", "_");
    }

    /** Gives picocli the value of a flag that the command line leaves out. */
    IDefaultValueProvider defaults() {
        return argument -> {
            if (!(argument instanceof OptionSpec option) || option.usageHelp() || option.versionHelp()) {
                return null;
            }
            String flag = option.longestName();
            var value = get(variable("SN9_", flag));
            if (value.isEmpty() && BITTENSOR_FLAG.matcher(flag).matches()) {
                value = get(variable("BT_", flag));
            }
            return value.orElse(null);
        };
    }
}
