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

    /// <summary>What the switches mean, one line each.</summary>
    public virtual IReadOnlyList<string> Details => [];

    /// <summary>The switches, as <see cref="IoSwitches"/> wants them declared.</summary>
    public virtual string Switches => "";

    /// <summary>The fewest words that may follow the name, switches counted.</summary>
    public virtual int ArgumentCountMin => 0;

    /// <summary>The most words that may follow the name, switches counted.</summary>
    public virtual int ArgumentCountMax => 0;

    /// <summary>How many words that are no switches there must be; null where the command sees to it itself.</summary>
    public virtual int? OperandCount => null;

    /// <summary>True where an image must be open.</summary>
    public virtual bool NeedsImage => true;

    /// <summary>The line of usage.</summary>
    public string UsageLine => string.Join(' ', Name, Usage).TrimEnd() + " -- " + Summary;

    /// <summary>Carries the command out.</summary>
    /// <returns>True for success. Of a failure the command has told the user.</returns>
    public abstract ValueTask<bool> RunAsync(IoSession session, IoSwitches switches);
}
