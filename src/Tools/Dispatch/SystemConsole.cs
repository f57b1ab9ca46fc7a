using System.Text;
using BlockGraph.Tools.Dispatch.Linux;

namespace BlockGraph.Tools.Dispatch;

/// <summary>The console of the process.</summary>
internal sealed class SystemConsole : IToolConsole
{
    private const int WriterBytes = 1024;
    private static readonly Encoding s_encoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
    private TextWriter? _out;
    private TextWriter? _error;

    /// <inheritdoc/>
    public TextReader In => Console.In;

    /// <inheritdoc/>
    public TextWriter Out => _out ??= Console.IsOutputRedirected && OperatingSystem.IsLinux() ? Plain(1) : Console.Out;

    /// <inheritdoc/>
    public TextWriter Error => _error ??= Console.IsErrorRedirected && OperatingSystem.IsLinux() ? Plain(2) : Console.Error;

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

    /// <inheritdoc/>
    public IDisposable HearInterrupts(Action onInterrupt) => new HeardSignals(onInterrupt);

    private static TextWriter Plain(int descriptor) => TextWriter.Synchronized(new StreamWriter(new StandardStream(descriptor), s_encoding, WriterBytes) { AutoFlush = true });
}
