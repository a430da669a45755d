package sn9.validator;

import java.nio.file.Path;
import java.util.Optional;
import sn9.subnet.Commitment;
import sn9.subnet.ModelId;

/**
 * A model that takes part in a step.
 *
 * @param uid the hotkey's slot
 * @param hotkey who committed it
 * @param commitment the committed string and its block, which decides seniority
 * @param id the same, understood
 * @param directory where its files lie
 * @param unfit why it is not evaluated and loses everything; empty when it is evaluated
 */
public record Candidate(
        int uid, String hotkey, Commitment commitment, ModelId id, Path directory, Optional<String> unfit) {}
