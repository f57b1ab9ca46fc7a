using BlockGraph.BlockCore.Permissions;

namespace BlockGraph.TestKit.Drawing;

/// <summary>A graph as text says it: one line a node, a user, or an edge.</summary>
/// <remarks>
/// <code>
///   drawing = { node | edge | backend }                     a line each; '//' begins a comment
///   node    = NAME ':' driver [ 'holds' image ] [ '->' NAME ] [ '@' CONTEXT ] [ facts ]
///   driver  = NAME [ '(' KEY '=' VALUE { ',' KEY '=' VALUE } ')' ]
///   image   = NAME '(' KEY '=' VALUE ... ')'                made in the node before anybody opens it: cow, or bytes
///   edge    = BLANK NAME [ permissions ] '->' NAME [ facts ]          of the node above
///   backend = [ NAME ] [ permissions ] [ '->' NAME ] [ '@' CONTEXT ] [ facts ]
///   permissions = '[' [ bits ] [ '|' 'share' '=' bits ] ']'           without 'share' everything is shared
///   bits    = 'all' | 'none' | BIT { ',' BIT }              consistent-read, write, write-unchanged, resize
///   facts   = '{' anything '}'                              drawn, and not built
/// </code>
/// The arrow of a node is its <c>file</c> child; another child is an option that names it. Nodes may stand in any order. What a picture of a
/// graph adds (permissions of nodes' edges, facts) is read and not built: it follows.
/// </remarks>
internal sealed class GraphDrawing
{
    private readonly List<DrawnNode> _nodes = [];
    private readonly List<DrawnBackend> _backends = [];

    private GraphDrawing()
    {
    }

    /// <summary>The nodes, in the order of their lines.</summary>
    public IReadOnlyList<DrawnNode> Nodes => _nodes;

    /// <summary>The users, in the order of their lines.</summary>
    public IReadOnlyList<DrawnBackend> Backends => _backends;

    /// <summary>Reads <paramref name="text"/>.</summary>
    /// <exception cref="DrawingException">A line is malformed, or a name is drawn twice.</exception>
    public static GraphDrawing Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        GraphDrawing drawing = new();
        int line = 0;
        foreach (string each in text.ReplaceLineEndings("\n").Split('\n'))
        {
            DrawingScanner scanner = new(each, ++line);
            if (!scanner.IsAtEnd)
            {
                drawing.ParseLine(scanner);
            }
        }

        return drawing;
    }

    private void ParseLine(DrawingScanner scanner)
    {
        int column = scanner.Column;
        bool isIndented = scanner.IsIndented;
        string? name = scanner.IsNext("[") || scanner.IsNext("->") ? null : scanner.TakeName("the name of a node or of a backend");
        if (name is not null && scanner.TryTake(":"))
        {
            ParseNode(scanner, name, column);
        }
        else if (isIndented && name is not null && _nodes.Count > 0 && scanner.Line > _nodes[^1].Line && !IsBackendSince(_nodes[^1].Line))
        {
            ParseEdge(scanner, name, column);
        }
        else
        {
            ParseBackend(scanner, name, column);
        }

        scanner.TakeEnd();
    }

    private bool IsBackendSince(int line) => _backends.Count > 0 && _backends[^1].Line > line;

    private void ParseNode(DrawingScanner scanner, string name, int column)
    {
        if (name.StartsWith('#'))
        {
            throw scanner.Fail($"'{name}' is a name that a graph makes up: draw the node's options inside its parent, as 'file.driver=…'", column);
        }

        ThrowIfDrawn(scanner, name, column);
        DrawnNode node = new(name, scanner.Line, column, scanner.TakeName("the name of a driver"));
        ParseOptions(scanner, node.Options);
        if (scanner.TryTakeWord("holds"))
        {
            node.ImageFormat = scanner.TakeName("the name of an image format");
            ParseOptions(scanner, node.ImageOptions);
        }

        if (scanner.TryTake("->"))
        {
            int at = scanner.Column;
            node.Edges.Add(new DrawnEdge("file", scanner.TakeName("the name of the file child"), scanner.Line, at));
        }

        node.Context = scanner.TryTake("@") ? scanner.TakeName("the name of a context") : null;
        scanner.SkipFacts();
        _nodes.Add(node);
    }

    private void ParseEdge(DrawingScanner scanner, string name, int column)
    {
        ParsePermissions(scanner);
        scanner.Take("->", "after the name of an edge");
        string child = scanner.TakeName("the name of a node");
        scanner.SkipFacts();
        DrawnNode node = _nodes[^1];
        if (node.Edges.Exists(e => e.Name == name))
        {
            throw scanner.Fail($"edge '{name}' of node '{node.Name}' is drawn twice", column);
        }

        node.Edges.Add(new DrawnEdge(name, child, scanner.Line, column));
    }

    private void ParseBackend(DrawingScanner scanner, string? name, int column)
    {
        if (name is not null)
        {
            ThrowIfDrawn(scanner, name, column);
        }

        PermissionSet? permissions = ParsePermissions(scanner);
        if (permissions is null && !scanner.IsNext("->"))
        {
            throw scanner.Fail(name is null ? "expected a node or a backend" : $"expected ':' after the name of a node, or '[' or '->' after that of a backend");
        }

        string? root = scanner.TryTake("->") ? scanner.TakeName("the name of a node") : null;
        string? context = scanner.TryTake("@") ? scanner.TakeName("the name of a context") : null;
        scanner.SkipFacts();
        _backends.Add(new DrawnBackend(name, permissions, root, context, scanner.Line, column));
    }

    private void ThrowIfDrawn(DrawingScanner scanner, string name, int column)
    {
        if (_nodes.Exists(n => n.Name == name) || _backends.Exists(b => b.Name == name))
        {
            throw scanner.Fail($"'{name}' is drawn twice", column);
        }
    }

    private static void ParseOptions(DrawingScanner scanner, List<DrawnOption> options)
    {
        if (!scanner.TryTake("(") || scanner.TryTake(")"))
        {
            return;
        }

        do
        {
            int column = scanner.Column;
            string key = scanner.TakeName("the name of an option");
            scanner.Take("=", $"after option '{key}'");
            if (options.Exists(o => o.Key == key))
            {
                throw scanner.Fail($"option '{key}' is given twice", column);
            }

            options.Add(new DrawnOption(key, scanner.TakeValue(), scanner.Line, column));
        }
        while (scanner.TryTake(","));
        scanner.Take(")", "after the options");
    }

    private static PermissionSet? ParsePermissions(DrawingScanner scanner)
    {
        if (!scanner.TryTake("["))
        {
            return null;
        }

        BlockPermissions required = scanner.IsNext("|") || scanner.IsNext("]") ? BlockPermissions.None : ParseBits(scanner);
        BlockPermissions shared = BlockPermissions.All;
        if (scanner.TryTake("|"))
        {
            scanner.Take("share", "after '|'");
            scanner.Take("=", "after 'share'");
            shared = ParseBits(scanner);
        }

        scanner.Take("]", "after the permissions");
        return new PermissionSet(required, shared);
    }

    private static BlockPermissions ParseBits(DrawingScanner scanner)
    {
        BlockPermissions bits = BlockPermissions.None;
        do
        {
            int column = scanner.Column;
            string name = scanner.TakeName("the name of a permission");
            bits |= PermissionText.TryParse(name, out BlockPermissions bit)
                ? bit
                : throw scanner.Fail($"'{name}' is no permission: {PermissionText.AllNames}", column);
        }
        while (scanner.TryTake(","));
        return bits;
    }
}

/// <summary>One option, as drawn.</summary>
internal sealed record DrawnOption(string Key, string Value, int Line, int Column);

/// <summary>One edge of a node, as drawn.</summary>
internal sealed record DrawnEdge(string Name, string Child, int Line, int Column);

/// <summary>One backend, as drawn.</summary>
internal sealed record DrawnBackend(string? Name, PermissionSet? Permissions, string? Root, string? Context, int Line, int Column);

/// <summary>One node, as drawn.</summary>
internal sealed record DrawnNode(string Name, int Line, int Column, string Driver)
{
    public List<DrawnOption> Options { get; } = [];

    public List<DrawnEdge> Edges { get; } = [];

    public string? ImageFormat { get; set; }

    public List<DrawnOption> ImageOptions { get; } = [];

    public string? Context { get; set; }
}
