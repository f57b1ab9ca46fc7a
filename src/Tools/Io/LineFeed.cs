using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Tools.Io;

/// <summary>
/// Brings the lines of a blocking reader to a loop. A thread reads ahead, so that waiting for input delays no request; in
/// virtual time the loop reads itself, because nothing happens there while it does.
/// </summary>
/// <remarks>Invariant: the thread touches the queue under its lock only; the loop alone waits.</remarks>
internal sealed class LineFeed
{
    private readonly TextReader _reader;
    private readonly AioContext? _context;
    private readonly Queue<string?> _lines = new();
    private readonly CoQueue _waiting = new();
    private Exception? _failure;

    /// <summary>A feed from <paramref name="reader"/> to <paramref name="context"/>; without a context the caller reads itself.</summary>
    public LineFeed(TextReader reader, AioContext? context)
    {
        _reader = reader;
        _context = context;
        if (context is not null)
        {
            new Thread(ReadAhead) { IsBackground = true, Name = "standard input" }.Start();
        }
    }

    /// <summary>The next line, or null at the end.</summary>
    public async ValueTask<string?> ReadLineAsync()
    {
        if (_context is null)
        {
            return _reader.ReadLine();
        }

        string? line;
        while (!TryTake(out line))
        {
            await _waiting.WaitAsync();
        }

        return line is null && _failure is not null ? throw new IOException(_failure.Message, _failure) : line;
    }

    private bool TryTake(out string? line)
    {
        lock (_lines)
        {
            return _lines.TryDequeue(out line);
        }
    }

    private void ReadAhead()
    {
        string? line;
        do
        {
            line = ReadOne();
            lock (_lines)
            {
                _lines.Enqueue(line);
            }

            _context!.Post(static feed => ((LineFeed)feed!)._waiting.WakeAll(), this);
        }
        while (line is not null);
    }

    private string? ReadOne()
    {
        try
        {
            return _reader.ReadLine();
        }
        catch (IOException failure)
        {
            _failure = failure;
            return null;
        }
    }
}
