package sn9.subnet;

import java.util.Optional;

/**
 * What is known about a downloaded model before it is evaluated.
 *
 * @param architecture class name in {@code config.json}, such as {@code GPT2LMHeadModel}
 * @param shape its sizes by {@code config.json}
 * @param parameters number of parameters in its files, tied tensors counted once
 * @param repoBytes size of all files of the repository at the commit, README and the like included
 * @param nonFinite the first parameter that is NaN or infinite (tensor and index), empty when all are finite
 * @param hash {@link DirectoryHash} of the fetched files, in the form that is committed
 * @param committedHash the hash on chain; empty when there is no commitment to compare with
 */
public record ModelFacts(
        String architecture,
        ModelShape shape,
        long parameters,
        long repoBytes,
        Optional<String> nonFinite,
        String hash,
        Optional<String> committedHash) {
    /** The same with the hash in another {@link HashForm}. */
    public ModelFacts withHash(String hash) {
        return new ModelFacts(architecture, shape, parameters, repoBytes, nonFinite, hash, committedHash);
    }
}
