using System.Text;

namespace BlockGraph.Tools.Dispatch;

/// <summary>Collects what is written, and passes it on in large pieces, the last one when it is disposed: for output of many lines, each of which would be a system call.</summary>
/// <param name="output">Where to.</param>
internal sealed class BatchedOutput(TextWriter output) : TextWriter
{
    private const int BatchLength = 1 << 14;
    private readonly StringBuilder _batch = new(2 * BatchLength);

    /// <inheritdoc/>
    public override Encoding Encoding => output.Encoding;

    /// <inheritdoc/>
    public override void Write(char value)
    {
        _batch.Append(value);
        FlushIfLong();
    }

    /// <inheritdoc/>
    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<char> buffer)
    {
        _batch.Append(buffer);
        FlushIfLong();
    }

    /// <inheritdoc/>
    public override void Write(string? value) => Write(value.AsSpan());

    /// <inheritdoc/>
    public override void Write(StringBuilder? value)
    {
        _batch.Append(value);
        FlushIfLong();
    }

    /// <inheritdoc/>
    public override void Flush()
    {
        output.Write(_batch);
        _batch.Clear();
        output.Flush();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Flush();
        }

        base.Dispose(disposing);
    }

    private void FlushIfLong()
    {
        if (_batch.Length >= BatchLength)
        {
            Flush();
        }
    }
}
