package sn9.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;
import sn9.subnet.RuleSet;

/** Which generation of the subnet's rules holds. */
public final class RuleOptions {
    @Option(
            names = "--rules",
            paramLabel = "NAME",
            defaultValue = "B2",
            converter = Named.class,
            description = "Rules of the subnet: A0, A1, A2, B0, B1 or B2. Default: ${DEFAULT-VALUE}")
    private RuleSet rules;

    @Option(
            names = "--use_hotkey_in_hash",
            fallbackValue = "true",
            description =
                    "Commit a hash bound to the hotkey, so that nobody can copy the commitment, and take such hashes"
                            + " beside plain ones. The validators of A0 to B2 take plain ones only.")
    private boolean hotkeyInHash;

    /** The rule set. */
    public RuleSet rules() {
        return hotkeyInHash ? rules.bindingHotkeys() : rules;
    }

    /** A rule set by its name. */
    static final class Named implements ITypeConverter<RuleSet> {
        @Override
        public RuleSet convert(String name) {
            try {
                return RuleSet.named(name);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }
}
