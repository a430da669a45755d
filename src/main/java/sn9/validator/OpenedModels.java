package sn9.validator;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import sn9.checkpoint.ModelDirectory;

/** The model directories of a step: each is opened one model early, so that it can be loaded meanwhile. */
final class OpenedModels implements AutoCloseable {
    private final List<Candidate> candidates;
    private Candidate owner; // of `ahead`; null for none
    private ModelDirectory ahead;

    /** Nothing is open yet. */
    OpenedModels(List<Candidate> candidates) {
        this.candidates = candidates;
    }

    /**
     * The directory of a candidate, now the caller's to close.
     *
     * @throws sn9.MalformedDataException when its files are not what their format demands
     */
    ModelDirectory take(Candidate candidate) throws IOException {
        if (candidate != owner) {
            return ModelDirectory.open(candidate.directory());
        }
        ModelDirectory taken = ahead;
        owner = null;
        ahead = null;
        return taken;
    }

    /** Opens the directory of the next candidate to be evaluated; empty when there is none, or it does not open. */
    Optional<ModelDirectory> after(Candidate candidate) {
        close();
        for (Candidate next : candidates.subList(candidates.indexOf(candidate) + 1, candidates.size())) {
            if (next.unfit().isEmpty()) {
                try {
                    ahead = ModelDirectory.open(next.directory());
                    owner = next;
                } catch (IOException e) {
                    // Found again, and judged, when its turn comes.
                    return Optional.empty();
                }
                return Optional.of(ahead);
            }
        }
        return Optional.empty();
    }

    @Override
    public void close() {
        if (ahead != null) {
            ahead.close();
            owner = null;
            ahead = null;
        }
    }
}
