package sn9.dashboard;

/** How the page looks: one column, two charts beside each other where there is room, light or dark as the reader's system. */
final class StyleSheet {
    /** Eight colours that stay apart for the colour-blind, one set for each background. */
    static final String CSS = """
            :root { --page: #f9f9f7; --card: #fcfcfb; --ink: #0b0b0b; --soft: #52514e; --faint: #898781; --grid: #e1e0d9;
              --edge: #c3c2b7; --c0: #2a78d6; --c1: #eb6834; --c2: #1baf7a; --c3: #4a3aa7; --c4: #eda100; --c5: #e87ba4;
              --c6: #008300; --c7: #e34948; }
            @media (prefers-color-scheme: dark) {
              :root { --page: #0d0d0d; --card: #1a1a19; --ink: #ffffff; --soft: #c3c2b7; --faint: #898781; --grid: #2c2c2a;
                --edge: #383835; --c0: #3987e5; --c1: #d95926; --c2: #199e70; --c3: #9085e9; --c4: #c98500; --c5: #d55181;
                --c6: #008300; --c7: #e66767; } }
            * { box-sizing: border-box; }
            body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
            main { max-width: 66rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
            h1 { font-size: 1.5rem; margin: 0; }
            header p { margin: .1rem 0 0; color: var(--soft); }
            section { background: var(--card); border: 1px solid var(--grid); border-radius: 8px; margin: 1.25rem 0 0;
              padding: 1rem 1.25rem 1.25rem; }
            h2 { font-size: 1.1rem; margin: 0 0 .5rem; }
            .note, .none, footer { color: var(--soft); font-size: .9rem; margin: 0 0 .75rem; max-width: 46rem; }
            footer { margin: 1.25rem 0 0; }
            .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1.25rem;
              margin-bottom: 1rem; }
            figure { margin: 0; min-width: 0; }
            figcaption { color: var(--soft); margin-bottom: .25rem; }
            figure > svg { display: block; width: 100%; height: auto; }
            svg text { font: 13px system-ui, sans-serif; fill: var(--soft); font-variant-numeric: tabular-nums; }
            .grid { stroke: var(--grid); } .base, .tick { stroke: var(--edge); }
            .line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
            .mark { stroke: var(--card); stroke-width: 1.5; }
            .dashed.line { stroke-dasharray: 5 5; }
            .s0 { stroke: var(--c0); } .s1 { stroke: var(--c1); } .s2 { stroke: var(--c2); } .s3 { stroke: var(--c3); }
            .s4 { stroke: var(--c4); } .s5 { stroke: var(--c5); } .s6 { stroke: var(--c6); } .s7 { stroke: var(--c7); }
            .mark.s0 { fill: var(--c0); } .mark.s1 { fill: var(--c1); } .mark.s2 { fill: var(--c2); }
            .mark.s3 { fill: var(--c3); } .mark.s4 { fill: var(--c4); } .mark.s5 { fill: var(--c5); }
            .mark.s6 { fill: var(--c6); } .mark.s7 { fill: var(--c7); }
            .mark.mark { stroke: var(--card); }
            .legend { list-style: none; display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; margin: .25rem 0 0; padding: 0;
              font-size: .9rem; overflow-wrap: anywhere; }
            .legend svg { vertical-align: middle; margin-right: .4rem; } .legend b { margin-left: .4rem; font-weight: 600; }
            .scroll { overflow-x: auto; }
            table { border-collapse: collapse; width: 100%; font-size: .9rem; }
            th, td { text-align: left; vertical-align: top; padding: .35rem .9rem .35rem 0; }
            th { color: var(--soft); font-weight: 600; border-bottom: 1px solid var(--edge); white-space: nowrap; }
            thead td { border-bottom: 1px solid var(--edge); }
            tbody tr + tr td { border-top: 1px solid var(--grid); }
            .n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
            .code { display: block; font-family: ui-monospace, monospace; font-size: .8rem; color: var(--soft); max-width: 49ch;
              overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
            .model { display: block; font-weight: 600; min-width: 6.5rem; overflow-wrap: anywhere; }
            .words { min-width: 12rem; overflow-wrap: anywhere; }
            .bar { width: 112px; padding-top: .6rem; } .bar svg { display: block; }
            .track { fill: var(--grid); } .fill { fill: var(--c0); }
            pre { white-space: pre-wrap; overflow-wrap: anywhere; font: 1rem/1.6 Georgia, serif; margin: 0; max-width: 46rem; }
            summary { cursor: pointer; color: var(--soft); font-size: .9rem; margin-top: .75rem; }
            td:last-child, th:last-child { padding-right: 0; }
            @media (max-width: 40rem) {
              section { padding: .9rem .9rem 1rem; } th, td { padding-right: .7rem; }
              .code { max-width: 7.5rem; } .bar, thead td { display: none; } }
            """;

    private StyleSheet() {}
}
