/**
 * The command line: {@link sn9.cli.Main} and one picocli class per command, the option groups they share, and the only
 * place that builds adapters ({@link sn9.cli.Network}). May import everything. Read {@link sn9.cli.Main} first.
 */
package sn9.cli;
