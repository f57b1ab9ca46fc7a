namespace BlockGraph.Tools.GraphView;

/// <summary>The form in which a graph is shown.</summary>
internal enum GraphForm
{
    /// <summary>A tree of text.</summary>
    Tree,

    /// <summary>JSON, edges and nodes nested.</summary>
    Json,

    /// <summary>Graphviz's language.</summary>
    Dot,

    /// <summary>A Mermaid flowchart.</summary>
    Mermaid,

    /// <summary>A drawing of our own.</summary>
    Svg,
}
