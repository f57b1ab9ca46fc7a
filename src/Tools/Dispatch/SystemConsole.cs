namespace BlockGraph.Tools.Dispatch;

/// <summary>The console of the process.</summary>
internal sealed class SystemConsole : IToolConsole
{
    /// <inheritdoc/>
    public TextReader In => Console.In;

    /// <inheritdoc/>
    public TextWriter Out => Console.Out;

    /// <inheritdoc/>
    public TextWriter Error => Console.Error;

    /// <inheritdoc/>
    public bool IsInputTerminal => !Console.IsInputRedirected;

    /// <inheritdoc/>
    public bool IsOutputTerminal => !Console.IsOutputRedirected;

    /// <inheritdoc/>
    public bool IsErrorTerminal => !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb";

    /// <inheritdoc/>
    public int? OutputWidth => IsOutputTerminal && Console.WindowWidth > 0 ? Console.WindowWidth : null;

    /// <inheritdoc/>
    public int? ErrorWidth => IsErrorTerminal && Console.WindowWidth > 0 ? Console.WindowWidth : null;

    /// <inheritdoc/>
    public bool HasErrorColour => IsErrorTerminal && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
}
