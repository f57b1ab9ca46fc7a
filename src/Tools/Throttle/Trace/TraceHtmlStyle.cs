namespace BlockGraph.Tools.Throttle.Trace;

/// <summary>The style sheet of the page: light colours, and dark ones where the viewer prefers them.</summary>
internal static class TraceHtmlStyle
{
    /// <summary>The sheet.</summary>
    public const string Sheet =
        """
        :root { color-scheme: light dark; --page: #ffffff; --ink: #1f2430; --soft: #5b6475; --rule: #e3e6ec; --card: #f6f7f9;
          --offered: #e0a33e; --admitted: #2f7d4f; --limit: #b3261e; --queue: #2f62b5; --wait: #7a4bb0; --level: #2a7f8e; }
        @media (prefers-color-scheme: dark) { :root { --page: #15181f; --ink: #e8ebf2; --soft: #aab2c2; --rule: #2b303b; --card: #1d2129;
          --offered: #e2a04a; --admitted: #5fbf85; --limit: #ff8a80; --queue: #6fa0ee; --wait: #b48ae6; --level: #62c3d2; } }
        body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", Verdana, sans-serif; }
        main { max-width: 960px; margin: 0 auto; padding: 28px 20px 48px; }
        h1 { font-size: 22px; line-height: 1.3; margin: 0 0 4px; }
        h2 { font-size: 15px; margin: 30px 0 2px; }
        p { margin: 0; color: var(--soft); }
        code { font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; color: var(--ink); overflow-wrap: anywhere; }
        .cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 10px; margin: 20px 0 6px; }
        .card { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 10px 14px; }
        .card b { display: block; font-size: 20px; line-height: 1.3; }
        .card span { color: var(--soft); font-size: 13px; }
        .wide { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; margin-top: 8px; }
        th, td { text-align: right; padding: 5px 8px; border-bottom: 1px solid var(--rule); white-space: nowrap; }
        th { color: var(--soft); font-weight: 600; }
        th:first-child, td:first-child { text-align: left; }
        .facts td { text-align: left; white-space: normal; }
        .facts td:first-child { color: var(--soft); width: 120px; }
        .key { font-size: 13px; color: var(--soft); }
        .key i { display: inline-block; width: 11px; height: 11px; border-radius: 2px; margin: 0 5px 0 12px; vertical-align: -1px; }
        .key i:first-child { margin-left: 0; }
        svg { display: block; width: 100%; height: auto; }
        svg text { font: 11px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", Verdana, sans-serif; fill: var(--soft); }
        svg .end { text-anchor: end; } svg .middle { text-anchor: middle; }
        svg text.label { font-weight: 600; paint-order: stroke; stroke: var(--page); stroke-width: 3px; }
        .grid { stroke: var(--rule); fill: none; } .axis { stroke: var(--soft); fill: none; }
        .area { stroke: none; } .steps { fill: none; stroke-width: 1.4; stroke-linejoin: round; }
        .line { fill: none; stroke-width: 1.4; stroke-dasharray: 6 4; }
        .tip { fill: transparent; } .tip:hover { fill: var(--ink); fill-opacity: 0.08; }
        .area.offered { fill: var(--offered); fill-opacity: 0.35; } .steps.offered { stroke: var(--offered); } i.offered { background: var(--offered); }
        .area.admitted { fill: var(--admitted); fill-opacity: 0.55; } .steps.admitted { stroke: var(--admitted); } i.admitted { background: var(--admitted); }
        .line.limit { stroke: var(--limit); } svg text.limit { fill: var(--limit); } i.limit { background: var(--limit); }
        .area.queue { fill: var(--queue); fill-opacity: 0.3; } .steps.queue { stroke: var(--queue); } i.queue { background: var(--queue); }
        .area.wait { fill: var(--wait); fill-opacity: 0.25; } .steps.wait { stroke: var(--wait); } i.wait { background: var(--wait); }
        .area.median { fill: var(--wait); fill-opacity: 0.5; } i.median { background: var(--wait); opacity: 0.6; }
        .area.level { fill: var(--level); fill-opacity: 0.3; } .steps.level { stroke: var(--level); } i.level { background: var(--level); }

        """;
}
