using BlockGraph.Drivers.Filters.Blkdebug;

namespace BlockGraph.Tools.Io;

/// <summary>Lets a suspended request go on.</summary>
internal sealed class ResumeCommand : IoCommand
{
    /// <inheritdoc/>
    public override string Name => "resume";

    /// <inheritdoc/>
    public override string Usage => "tag";

    /// <inheritdoc/>
    public override string Summary => "let the request go on that is suspended under a tag";

    /// <inheritdoc/>
    public override string QemuTail => " tag -- resumes the request tagged as tag";

    /// <inheritdoc/>
    public override int ArgumentCountMin => 1;

    /// <inheritdoc/>
    public override int ArgumentCountMax => 1;

    /// <inheritdoc/>
    public override ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        string tag = switches.Operands[0];
        BlkdebugInstance? debug = session.FindBlkdebug();
        bool isFine = debug is not null && debug.Resume(tag);
        if (!isFine)
        {
            session.Out.WriteLine($"Could not resume request: {session.ReasonOf(debug, $"none is suspended under '{tag}'")}");
        }

        return new(isFine);
    }
}
