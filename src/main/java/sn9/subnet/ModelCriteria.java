package sn9.subnet;

import java.util.ArrayList;
import java.util.List;
import sn9.subnet.RemoteModelStore.RemoteFile;

/**
 * The rules a model must keep at the block of its commitment (spec B.4).
 *
 * @param rules the rule set
 * @param block block of the commitment, by which limits are chosen
 */
public record ModelCriteria(RuleSet rules, long block) {
    /** Judges a repository by its list of files, before anything is downloaded. */
    public Verdict judgeRepository(List<RemoteFile> files) {
        List<String> violations = new ArrayList<>();
        checkBytes(violations, totalBytes(files));
        List<String> missing =
                rules.fetchList().missing(files.stream().map(RemoteFile::path).toList());
        if (!missing.isEmpty()) {
            violations.add("the repository lacks " + String.join(", ", missing));
        }
        return Verdict.of(violations);
    }

    /** Judges a downloaded model. */
    public Verdict judge(ModelFacts facts) {
        return Verdict.of(violations(facts));
    }

    /**
     * Judges a downloaded model only by what the reference checks when it takes a model in: hash, size, architecture,
     * parameters. A model it does not take in is no opponent of any other.
     */
    public Verdict judgeAdmission(ModelFacts facts) {
        return Verdict.of(admissionViolations(facts));
    }

    /** Every rule that a downloaded model breaks, one sentence each; empty when it is acceptable. */
    public List<String> violations(ModelFacts facts) {
        List<String> violations = admissionViolations(facts);
        checkEvaluable(violations, facts);
        return violations;
    }

    private List<String> admissionViolations(ModelFacts facts) {
        List<String> violations = new ArrayList<>();
        checkHash(violations, facts);
        checkBytes(violations, facts.repoBytes());
        checkArchitecture(violations, facts);
        checkParameters(violations, facts);
        return violations;
    }

    /** Sum of the sizes; {@link Long#MAX_VALUE} when a size is negative or the sum does not fit. */
    private static long totalBytes(List<RemoteFile> files) {
        long total = 0;
        for (RemoteFile file : files) {
            if (file.bytes() < 0 || total + file.bytes() < 0) {
                return Long.MAX_VALUE;
            }
            total += file.bytes();
        }
        return total;
    }

    private static void checkHash(List<String> violations, ModelFacts facts) {
        facts.committedHash()
                .filter(committed -> !committed.equals(facts.hash()))
                .ifPresent(committed ->
                        violations.add("content hash is " + facts.hash() + ", the commitment says " + committed));
    }

    private void checkBytes(List<String> violations, long bytes) {
        long limit = rules.maxRepoBytes(block);
        if (bytes > limit) {
            violations.add(
                    "repository has " + bytes + " bytes, " + rules.name() + " allows " + limit + " at block " + block);
        }
    }

    private void checkArchitecture(List<String> violations, ModelFacts facts) {
        List<String> allowed = rules.limits().architectures();
        if (!allowed.isEmpty() && !allowed.contains(facts.architecture())) {
            violations.add("architecture is " + facts.architecture() + ", " + rules.name() + " allows "
                    + String.join(", ", allowed));
        }
    }

    private void checkParameters(List<String> violations, ModelFacts facts) {
        long limit = rules.maxParameters(block);
        if (facts.parameters() > limit) {
            violations.add("model has " + facts.parameters() + " parameters, " + rules.name() + " allows " + limit
                    + " at block " + block);
        }
        rules.limits()
                .exactShape()
                .filter(shape -> !shape.equals(facts.shape()))
                .ifPresent(shape ->
                        violations.add("model has " + facts.shape() + "; " + rules.name() + " takes only " + shape));
    }

    /**
     * Differs: the reference finds these out while it evaluates, where a short or narrow model reads out of range and
     * spoils every later model of the step (spec D.6, D.7).
     */
    private void checkEvaluable(List<String> violations, ModelFacts facts) {
        if (facts.shape().positions() < rules.sequenceLength()) {
            violations.add("model has " + facts.shape().positions() + " positions, evaluation needs "
                    + rules.sequenceLength());
        }
        if (facts.shape().vocabSize() < RuleSet.VOCAB_SIZE) {
            violations.add(
                    "vocabulary has " + facts.shape().vocabSize() + " tokens, evaluation needs " + RuleSet.VOCAB_SIZE);
        }
        facts.nonFinite().ifPresent(where -> violations.add("parameter " + where + " is not a finite number"));
    }
}
