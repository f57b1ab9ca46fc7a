namespace BlockGraph.Tools.Dispatch;

/// <summary>Where a command reads and writes. A command knows no other console, so that a test can run it in-process.</summary>
internal interface IToolConsole
{
    /// <summary>Standard input.</summary>
    TextReader In { get; }

    /// <summary>Standard output.</summary>
    TextWriter Out { get; }

    /// <summary>Standard error.</summary>
    TextWriter Error { get; }

    /// <summary>True where a person types the input.</summary>
    bool IsInputTerminal { get; }

    /// <summary>True where a person reads the output.</summary>
    bool IsOutputTerminal { get; }

    /// <summary>True where a person reads the errors; progress is shown there.</summary>
    bool IsErrorTerminal { get; }

    /// <summary>How many characters a line of the output has; null where that is not known.</summary>
    int? OutputWidth => null;

    /// <summary>How many characters a line of the errors has; null where that is not known.</summary>
    int? ErrorWidth => null;

    /// <summary>True where the errors may be coloured.</summary>
    bool HasErrorColour => false;

    /// <summary>Has <paramref name="onInterrupt"/> called, on any thread, when a person interrupts the command, until what is returned is disposed of. The second interrupt ends the process at once.</summary>
    IDisposable HearInterrupts(Action onInterrupt);
}
