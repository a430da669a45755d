package sn9.engine;

import java.util.Locale;

/**
 * The functions of {@code sn9_device.h} and {@code sn9_ops.h}, in the headers' order. A constant is named after its function
 * and holds the kinds of its parameters: P pointer, L int64, I int32, F float. Every function returns an int32 status.
 */
enum NativeFunction {
    ABI_VERSION(""),
    DEVICE_COUNT("P"),
    CONTEXT_OPEN("IIIP"),
    CONTEXT_CLOSE("P"),
    CONTEXT_DESCRIBE("PPL"),
    CONTEXT_RESERVE("PL"),
    TRAINING_PASS("PI"),
    ALLOC("PLP"),
    FREE("PP"),
    UPLOAD("PPPL"),
    DOWNLOAD("PPPL"),
    COPY("PPPL"),
    PINNED_ALLOC("PLP"),
    PINNED_FREE("PP"),
    STREAM_SELECT("PI"),
    STREAM_NATIVE("PP"),
    EVENT_CREATE("PP"),
    EVENT_FREE("PP"),
    EVENT_RECORD("PP"),
    EVENT_WAIT("PP"),
    EVENT_SYNCHRONIZE("PP"),
    CAPTURE_BEGIN("P"),
    CAPTURE_END("PP"),
    GRAPH_LAUNCH("PP"),
    GRAPH_FREE("PP"),
    RANGE_PUSH("PP"),
    RANGE_POP("P"),
    SYNCHRONIZE("P"),
    RELEASE_MAPPED("PL"),

    PADDING("PPPP"),
    WORKSPACE_BYTES("PPLLLLLLLI"),
    WEIGHT_BYTES("PPLLII"),
    WEIGHT_PREPARE("PPPPILLII"),
    EMBED_FORWARD("PPPPPLLL"),
    EMBED_BACKWARD("PPPPPLLLL"),
    DROPOUT("PPPPPFIILLL"),
    LINEAR_FORWARD("PPPPPPPIL"),
    LINEAR_BACKWARD_INPUT("PPPPPIIL"),
    LINEAR_BACKWARD_WEIGHT("PPPPPLLL"),
    ADD_LAYERNORM_FORWARD("PPPPPPPPPFLLL"),
    LAYERNORM_RECOMPUTE("PPPPPPPLLL"),
    LAYERNORM_BACKWARD("PPPPPPPPPLLL"),
    GELU_FORWARD("PPPL"),
    ATTENTION_FORWARD("PPPPPFIFLLLL"),
    ATTENTION_BACKWARD("PPPPPPPFIFLLLL"),
    HEAD_LOSS_FORWARD("PPPPPLL"),
    HEAD_LOSS_BACKWARD("PPPPPPPPLL"),
    HEAD_LOGITS("PPPPPLL"),
    SEQUENCE_MEAN("PPPPLL"),
    GRAD_NORM("PPPL"),
    ADAMW("PPPPPPPLL"),
    CAST("PPIPIL"),
    FILL("PPFL"),
    CHECK_FINITE("PPPIL"),
    MATMUL("PPPPLLLI");

    final String symbol = "sn9_" + name().toLowerCase(Locale.ROOT);
    final String parameters;

    NativeFunction(String parameters) {
        this.parameters = parameters;
    }
}
