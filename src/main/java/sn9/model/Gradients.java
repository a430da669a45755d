package sn9.model;

import sn9.engine.Buffer;

/** The gradients of a GPT-2's parameters: views of one arena laid out like the parameters'. All accumulate (+=). */
public final class Gradients {
    /** One layer's gradients, shapes as in {@link Parameters.Layer}. */
    public record Layer(
            Buffer dln1w,
            Buffer dln1b,
            Buffer dqkvw,
            Buffer dqkvb,
            Buffer dattprojw,
            Buffer dattprojb,
            Buffer dln2w,
            Buffer dln2b,
            Buffer dfcw,
            Buffer dfcb,
            Buffer dfcprojw,
            Buffer dfcprojb) {}

    final Buffer dwte; // (V, C): embedding and head
    final Buffer dwpe; // (P, C)
    final Layer[] layers;
    final Buffer dlnfw; // (C)
    final Buffer dlnfb; // (C)

    /** Views of a gradient arena. */
    public Gradients(Gpt2Config config, ParameterLayout layout, Buffer arena) {
        dwte = Parameters.view(layout, arena, "transformer.wte.weight");
        dwpe = Parameters.view(layout, arena, "transformer.wpe.weight");
        layers = new Layer[config.nLayer()];
        for (int l = 0; l < layers.length; l++) {
            String h = "transformer.h." + l + ".";
            layers[l] = new Layer(
                    Parameters.view(layout, arena, h + "ln_1.weight"),
                    Parameters.view(layout, arena, h + "ln_1.bias"),
                    Parameters.view(layout, arena, h + "attn.c_attn.weight"),
                    Parameters.view(layout, arena, h + "attn.c_attn.bias"),
                    Parameters.view(layout, arena, h + "attn.c_proj.weight"),
                    Parameters.view(layout, arena, h + "attn.c_proj.bias"),
                    Parameters.view(layout, arena, h + "ln_2.weight"),
                    Parameters.view(layout, arena, h + "ln_2.bias"),
                    Parameters.view(layout, arena, h + "mlp.c_fc.weight"),
                    Parameters.view(layout, arena, h + "mlp.c_fc.bias"),
                    Parameters.view(layout, arena, h + "mlp.c_proj.weight"),
                    Parameters.view(layout, arena, h + "mlp.c_proj.bias"));
        }
        dlnfw = Parameters.view(layout, arena, "transformer.ln_f.weight");
        dlnfb = Parameters.view(layout, arena, "transformer.ln_f.bias");
    }
}
