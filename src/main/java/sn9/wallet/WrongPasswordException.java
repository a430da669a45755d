package sn9.wallet;

import java.io.IOException;

/** A keyfile does not open with the password given; or its bytes are damaged, which cannot be told apart. */
public final class WrongPasswordException extends IOException {
    private static final long serialVersionUID = 1L;

    WrongPasswordException(String source) {
        super(source + ": the password is wrong, or the file is damaged");
    }
}
