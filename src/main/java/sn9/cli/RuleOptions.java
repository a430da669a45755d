package sn9.cli;

import picocli.CommandLine.Option;

/** Which generation of the subnet's rules holds. */
public final class RuleOptions {
    @Option(
            names = "--rules",
            paramLabel = "NAME",
            defaultValue = "B2",
            description = "Rules of the subnet: A0, A1, A2, B0, B1 or B2 (docs/protocol.md). Default: ${DEFAULT-VALUE}")
    private String name;

    /** Name of the rule set. */
    public String name() {
        return name;
    }
}
