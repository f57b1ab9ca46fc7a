namespace BlockGraph.Tools.Io;

/// <summary>Tells what the commands do.</summary>
internal sealed class HelpCommand : IoCommand
{
    /// <inheritdoc/>
    public override string Name => "help";

    /// <inheritdoc/>
    public override string Alias => "?";

    /// <inheritdoc/>
    public override string Usage => "[command]";

    /// <inheritdoc/>
    public override string Summary => "tell what one command or every command does";

    /// <inheritdoc/>
    public override string QemuTail => " [command] -- help for one or all commands";

    /// <inheritdoc/>
    public override bool NeedsImage => false;

    /// <inheritdoc/>
    public override int ArgumentCountMax => 1;

    /// <inheritdoc/>
    public override ValueTask<bool> RunAsync(IoSession session, IoSwitches switches)
    {
        if (switches.Operands.Count == 0)
        {
            foreach (IoCommand command in IoCommandTable.All)
            {
                session.Out.WriteLine(command.UsageLine(session.Settings));
            }

            session.Out.WriteLine();
            session.Out.WriteLine("Use 'help commandname' for extended help.");
            return new(true);
        }

        string name = switches.Operands[0];
        if (IoCommandTable.Find(name) is not { } found)
        {
            session.Out.WriteLine($"command {name} not found");
            return new(false);
        }

        session.Out.WriteLine(found.UsageLine(session.Settings, session.Settings.FollowsTexts ? name : null));
        foreach (string line in found.HelpLines(session.Settings))
        {
            session.Out.WriteLine(line);
        }

        return new(true);
    }
}
