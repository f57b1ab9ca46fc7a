using System.Globalization;

namespace BlockGraph.Tools.Io;

/// <summary>One command of the io command: its names, what it takes, and what it does.</summary>
internal abstract class IoCommand
{
    /// <summary>The count of arguments that has no upper bound.</summary>
    public const int Unbounded = int.MaxValue;

    /// <summary>The full name.</summary>
    public abstract string Name { get; }

    /// <summary>The short name, or null.</summary>
    public virtual string? Alias => null;

    /// <summary>What may follow the name, for the line of usage; empty for nothing.</summary>
    public virtual string Usage => "";

    /// <summary>One line for a person.</summary>
    public abstract string Summary { get; }

    /// <summary>What stands behind the name in the line of usage that scripts for <c>qemu-io</c> look for.</summary>
    public abstract string QemuTail { get; }

    /// <summary>A command line and what it does; null where the line of usage says enough.</summary>
    public virtual string? Example => null;

    /// <summary>The switches, in the order in which help shows them.</summary>
    public virtual IReadOnlyList<IoSwitch> Switches => [];

    /// <summary>The fewest words that may follow the name, switches counted.</summary>
    public virtual int ArgumentCountMin => 0;

    /// <summary>The most words that may follow the name, switches counted.</summary>
    public virtual int ArgumentCountMax => 0;

    /// <summary>How many words that are no switches there must be; null where the command sees to it itself.</summary>
    public virtual int? OperandCount => null;

    /// <summary>True where an image must be open.</summary>
    public virtual bool NeedsImage => true;

    /// <summary>True where the image must be writable: that is seen to before anything is read of what follows the name.</summary>
    public virtual bool NeedsWrite => false;

    /// <summary>The line of usage, for <paramref name="settings"/> and by <paramref name="name"/>; null for the full name.</summary>
    public string UsageLine(IoSettings settings, string? name = null) =>
        settings.FollowsTexts ? (name ?? Name) + QemuTail : string.Join(' ', name ?? Name, Usage).TrimEnd() + " -- " + Summary;

    /// <summary>The lines of help behind the line of usage.</summary>
    public IEnumerable<string> HelpLines(IoSettings settings)
    {
        if (settings.FollowsTexts && Switches.Count + (Example is null ? 0 : 1) > 0)
        {
            return [
                "",
                .. Example is null ? [] : new[] { " Example:", " " + Example, "" },
                .. Switches.Select(known => $" -{known.Letter}, -- {known.Meaning}"),
                "",
            ];
        }

        return [
            .. Switches.Select(known => string.Create(CultureInfo.InvariantCulture, $" {$"-{known.Letter} {known.ValueName}",-12}{known.Meaning}")),
            .. Example is null ? [] : new[] { " for example " + Example },
        ];
    }

    /// <summary>Looks at one switch as it comes, before those behind it are read.</summary>
    /// <param name="session">Where to tell what is wrong.</param>
    /// <param name="before">The switches before it.</param>
    /// <param name="letter">The switch.</param>
    /// <param name="value">What follows it, where something does.</param>
    /// <returns>Null to go on; otherwise the command is over, and this is its result.</returns>
    public virtual bool? Meet(IoSession session, IoSwitches before, char letter, string? value) => null;

    /// <summary>Carries the command out.</summary>
    /// <returns>True for success. Of a failure the command has told the user.</returns>
    public abstract ValueTask<bool> RunAsync(IoSession session, IoSwitches switches);

    /// <summary>What <see cref="Meet"/> answers of a switch with a value that may be wrong.</summary>
    protected static bool? MeetValue(IoSession session, string? error) => IsFine(session, error) ? null : false;

    /// <summary>Tells what is wrong, where something is, among the results; true where nothing is.</summary>
    protected static bool IsFine(IoSession session, string? error)
    {
        if (error is not null)
        {
            session.Out.WriteLine(error);
        }

        return error is null;
    }
}
