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

    /** The rule set. */
    public RuleSet rules() {
        return rules;
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
