package sn9.validator;

import java.time.Duration;

/** Lets time pass: the running validator waits, a test does not. */
@FunctionalInterface
interface Pause {
    /**
     * Waits.
     *
     * @return true when the wait was cut short because the validator is to stop
     */
    boolean await(Duration time) throws InterruptedException;
}
