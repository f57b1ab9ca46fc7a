using System.CommandLine;
using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Options;
using BlockGraph.Qapi.Options;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.GraphView;

/// <summary>The command line of <c>blockgraph graph</c>.</summary>
internal sealed class GraphCommandLine
{
    private readonly IToolConsole _console;
    private readonly Argument<string> _options = CommonArguments.Options();
    private readonly Option<string[]> _objects = CreatedObjects.Option();
    private readonly Option<string[]> _blockdevs = AddedNodes.Option();
    private readonly Option<bool> _readOnly = new("--read-only", "-r") { Description = "open without write permission" };
    private readonly Option<bool> _brief = new("--brief") { Description = "a picture without roles, permissions and file names" };
    private readonly Option<string> _output = new("--output", "-o") { Description = "write to this file instead of standard output", HelpName = "FILE" };
    private readonly (Option<bool> Option, GraphForm Form)[] _forms =
    [
        (CommonArguments.Json(), GraphForm.Json),
        (new Option<bool>("--svg") { Description = "draw an SVG picture" }, GraphForm.Svg),
        (new Option<bool>("--dot") { Description = "print a picture for Graphviz's dot" }, GraphForm.Dot),
        (new Option<bool>("--mermaid") { Description = "print a picture as a Mermaid flowchart" }, GraphForm.Mermaid),
    ];

    private GraphCommandLine(IToolConsole console) => _console = console;

    /// <summary>Makes the command.</summary>
    public static Command Create(IToolConsole console)
    {
        GraphCommandLine line = new(console);
        Command command = new("graph", "Open a graph and show its nodes, edges and permissions, as text or as a picture.")
        {
            line._options, line._objects, line._blockdevs, line._readOnly, line._brief, line._output,
        };
        foreach ((Option<bool> option, _) in line._forms)
        {
            command.Add(option);
        }

        command.SetAction(line.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        (Option<bool> Option, GraphForm Form)[] wanted = [.. _forms.Where(form => parsed.GetValue(form.Option))];
        if (wanted.Length > 1)
        {
            throw new BlockException($"Options '{wanted[0].Option.Name}' and '{wanted[1].Option.Name}' exclude each other");
        }

        bool isBrief = parsed.GetValue(_brief);
        if (isBrief && (wanted.Length == 0 || wanted[0].Form == GraphForm.Json))
        {
            throw new BlockException("Option '--brief' is about pictures: --svg, --dot or --mermaid");
        }

        OptionsDictionary options = CommandOptions.Read(parsed.GetRequiredValue(_options)).Flatten();
        bool isReadOnly = parsed.GetValue(_readOnly);
        if (isReadOnly)
        {
            options["read-only"] = "on";
        }

        return ToolWorld.Run(
            CompatibilityProfile.Own,
            isVirtualTime: false,
            warning => Complaint.Warn(_console, CalledName.Own, warning, CompatibilityProfile.Own),
            async world =>
            {
                if (!await CreatedObjects.TryCreateAsync(world, _console, parsed.GetValue(_objects) ?? []))
                {
                    return 0;
                }

                await AddedNodes.AddAsync(world, _console, parsed.GetValue(_blockdevs) ?? []);
                await using BlockBackend backend = await world.OpenAsync(options, new BackendOptions { ReadOnly = isReadOnly });
                Print(backend, wanted.Length == 0 ? GraphForm.Tree : wanted[0].Form, isBrief, parsed.GetValue(_output));
                return 0;
            });
    }

    private void Print(BlockBackend backend, GraphForm form, bool isBrief, string? fileName)
    {
        if (fileName is null)
        {
            Print(_console.Out, backend, form, isBrief);
            return;
        }

        ThrowIfImage(backend.Graph, fileName);
        using StringWriter text = new() { NewLine = "\n" };
        Print(text, backend, form, isBrief);
        try
        {
            File.WriteAllText(fileName, text.ToString());
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new BlockException(BlockErrorKind.InputOutput, $"Could not write '{fileName}': {failure.Message}", failure);
        }
    }

    private static void Print(TextWriter output, BlockBackend backend, GraphForm form, bool isBrief)
    {
        GraphPicture whole = GraphPicture.Of(backend.Graph);
        GraphPicture picture = isBrief ? whole.ToBrief() : whole;
        switch (form)
        {
            case GraphForm.Json:
                GraphJson.Print(output, backend);
                break;
            case GraphForm.Svg:
                GraphSvg.Print(output, picture);
                break;
            case GraphForm.Dot:
                GraphDot.Print(output, picture);
                break;
            case GraphForm.Mermaid:
                GraphMermaid.Print(output, picture);
                break;
            default:
                GraphTree.Print(output, backend);
                break;
        }
    }

    // A picture of an image must not be written over it.
    private static void ThrowIfImage(NodeGraph graph, string fileName)
    {
        string path = fileName.Length == 0 ? throw new BlockException("Option '--output' expects a file name") : graph.Platform.ResolvePath(fileName);
        BlockNode? node = graph.Nodes.FirstOrDefault(node => node.FileName is { Length: > 0 } name && graph.Platform.ResolvePath(name) == path);
        if (node is not null)
        {
            throw new BlockException(BlockErrorKind.Busy, $"'{fileName}' is the file of node '{node.Name}'");
        }
    }
}
