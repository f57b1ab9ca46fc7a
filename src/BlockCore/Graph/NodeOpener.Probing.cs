using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;

namespace BlockGraph.BlockCore.Graph;

/// <content>Finding the format of an image by its first bytes.</content>
internal sealed partial class NodeOpener
{
    private async Task<BlockDriver> ProbeAsync(NodeSettings settings, ChildOptions children, string? fileName)
    {
        OpenedChild file = await FindOrOpenChildAsync(new ParentToBe(null, settings, ChildRole.Image), "file", children)
            ?? throw new BlockException("Must specify either driver or file");
        children.SetOpened("file", file);
        graph.Step("probe");
        byte[] head = new byte[(int)Math.Min(DriverRegistry.ProbeBytes, file.Node.LengthBytes)];
        try
        {
            await ReadHeadAsync(file.Node, head);
        }
        catch (BlockException error)
        {
            throw error.Prefixed("Could not read image for determining its format: ");
        }

        string? shownName = fileName is null || DriverRegistry.ProtocolPrefix(fileName) is not null ? file.Node.ExactFileName ?? file.Node.FileName : fileName;
        BlockDriver driver = graph.Drivers.ProbeFormat(head, shownName);
        if (driver.Probe(head) < BlockDriver.ProbeScoreSignature && !settings.ReadOnly && shownName is not null)
        {
            graph.Events.Publish(new FormatGuessed(
                shownName,
                driver.Name,
                $"Image format was not specified for '{shownName}' and probing guessed {driver.Name}: writes that would make its first sector look like another format are refused. Specify the format to lift this."));
        }

        return driver;
    }

    // The edge is no part of the graph: nobody sees it, and a drain of the file waits for what it reads.
    private async Task ReadHeadAsync(BlockNode file, byte[] head)
    {
        if (head.Length == 0)
        {
            return;
        }

        BlockChild edge = new(new ProbeReader(), file, "root", ChildRole.Filtered | ChildRole.Primary);
        file.Work.Begin();
        try
        {
            await edge.ReadAsync(0, head, Io.RequestFlags.None, cancel);
        }
        finally
        {
            file.Work.End();
        }
    }

    /// <summary>Reads an image's head before it has a user: needs nothing and shares everything.</summary>
    private sealed class ProbeReader : IChildParent
    {
        public string Description => "the format probe";

        public BlockNode? AsNode => null;
    }
}
