namespace BlockGraph.Tools.Io;

/// <summary>Shows the image's format and its sizes.</summary>
internal sealed class InfoCommand : IoCommand
{
    /// <inheritdoc/>
    public override string Name => "info";

    /// <inheritdoc/>
    public override string Alias => "i";

    /// <inheritdoc/>
    public override string Summary => "show the image's format and its sizes";

    /// <inheritdoc/>
    public override ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        session.Out.WriteLine($"format name: {session.Backend.Root!.Driver.Name}");

        // No format here has clusters or room for a machine's state.
        session.Out.WriteLine("cluster size: 0 bytes");
        session.Out.WriteLine("vm state offset: 0 bytes");
        return new(true);
    }
}
