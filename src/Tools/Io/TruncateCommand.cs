using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Tools.Io;

/// <summary>Gives the image another length.</summary>
internal sealed class TruncateCommand : IoCommand
{
    /// <inheritdoc/>
    public override string Name => "truncate";

    /// <inheritdoc/>
    public override string Alias => "t";

    /// <inheritdoc/>
    public override string Usage => "[-m mode] off";

    /// <inheritdoc/>
    public override string Summary => "give the image another length";

    /// <inheritdoc/>
    public override string QemuTail => " [-m prealloc_mode] off -- truncates the current file at the given offset";

    /// <inheritdoc/>
    public override IReadOnlyList<IoSwitch> Switches { get; } =
    [
        new('m', "how the space is allocated that the image grows by: off, metadata, falloc or full", "MODE"),
    ];

    /// <inheritdoc/>
    public override bool NeedsWrite => true;

    /// <inheritdoc/>
    public override int ArgumentCountMin => 1;

    /// <inheritdoc/>
    public override int ArgumentCountMax => 3;

    /// <inheritdoc/>
    public override bool? Meet(IoSession session, IoSwitches before, char letter, string? value) =>
        FindMode(value!) is not null ? null : session.Complain($"Invalid preallocation mode '{value}'");

    /// <inheritdoc/>
    public override async ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        // The well-known program passes over what follows the length.
        if (switches.Operands.Count == 0 || (switches.Operands.Count > 1 && !session.Settings.FollowsTexts))
        {
            session.Out.WriteLine(UsageLine(session.Settings));
            return false;
        }

        string text = switches.Operands[0];
        if (IoNumbers.ReadBytes(text, out long lengthBytes) is { } error)
        {
            // The well-known program names its first argument here, whatever that is.
            session.Out.WriteLine(session.Settings.FollowsTexts && switches.Has('m') ? error[..^text.Length] + "-m" : error);
            return false;
        }

        PreallocationMode mode = switches.Value('m') is { } name ? FindMode(name)!.Value : PreallocationMode.Off;
        try
        {
            await session.Backend.TruncateAsync(lengthBytes, isExact: false, mode);
            return true;
        }
        catch (BlockException failure)
        {
            return session.Complain(failure);
        }
    }

    private static PreallocationMode? FindMode(string name) =>
        Enum.GetValues<PreallocationMode>().Cast<PreallocationMode?>().FirstOrDefault(mode => mode!.Value.ToName() == name);
}
