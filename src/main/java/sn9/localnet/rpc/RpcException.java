package sn9.localnet.rpc;

import java.util.Optional;
import sn9.localnet.chain.InvalidExtrinsicException;

/** An answer that is a JSON-RPC error. */
final class RpcException extends Exception {
    private static final long serialVersionUID = 1L;

    static final int PARSE_ERROR = -32_700;
    static final int INVALID_REQUEST = -32_600;
    static final int METHOD_NOT_FOUND = -32_601;
    static final int INVALID_PARAMS = -32_602;
    static final int INTERNAL_ERROR = -32_603;

    /** More subscriptions than a connection may have (jsonrpsee's TooManySubscriptions). */
    static final int TOO_MANY_SUBSCRIPTIONS = -32_006;

    /** What a node says when a block or a runtime method is not there (sc-rpc-api: state error, client). */
    static final int CLIENT_ERROR = 4_003;

    /** Bytes of an extrinsic that are no hexadecimal digits (sc-rpc-api: author error, bad format). */
    static final int BAD_FORMAT = 1_001;

    private final int code;
    private final transient Optional<String> data;

    RpcException(int code, String message) {
        this(code, message, Optional.empty());
    }

    private RpcException(int code, String message, Optional<String> data) {
        super(message);
        this.code = code;
        this.data = data;
    }

    static RpcException of(InvalidExtrinsicException refused) {
        return new RpcException(refused.code(), refused.getMessage(), Optional.of(refused.data()));
    }

    static RpcException params(String reason) {
        return new RpcException(INVALID_PARAMS, "Invalid params: " + reason);
    }

    int code() {
        return code;
    }

    Optional<String> data() {
        return data;
    }
}
