package sn9.cli;

import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import sn9.subnet.HashForm;
import sn9.subnet.RuleSet;
import sn9.wallet.Ss58;

/** By which rules a model on this machine is hashed, and for whom. */
public final class HashOptions {
    @Mixin
    private RuleOptions rules;

    @Option(
            names = "--hotkey",
            paramLabel = "SS58",
            description = "Whose hash, with --use_hotkey_in_hash: the address of the hotkey that commits it.")
    private String hotkey;

    /** The rule set. */
    RuleSet rules() {
        return rules.rules();
    }

    /**
     * The hash that goes on chain.
     *
     * @throws picocli.CommandLine.ParameterException when a bound hash is asked for without a hotkey, or the other way round
     */
    String committed(CommandSpec spec, String directoryHash) {
        boolean bound = rules().hashForm() != HashForm.PLAIN;
        if (bound != (hotkey != null)) {
            throw Usage.error(spec, "--use_hotkey_in_hash and --hotkey need each other: the hash is one hotkey's");
        }
        if (bound) {
            Usage.checked(spec, () -> Ss58.decode(hotkey));
        }
        return rules().hashForm().committed(directoryHash, hotkey);
    }
}
