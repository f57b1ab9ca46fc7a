using System.Globalization;
using BlockGraph.Tools.Dispatch;

namespace BlockGraph.Tools.Bench;

/// <summary>What a load that was verified has done; everything that it read was right.</summary>
internal sealed record VerifyResult
{
    private const double NsPerSecond = 1e9;

    /// <summary>How long it took with reading back, in nanoseconds.</summary>
    public required long ElapsedNs { get; init; }

    /// <summary>How many contexts submitted.</summary>
    public required int ThreadCount { get; init; }

    /// <summary>How many blocks were written.</summary>
    public required long WriteCount { get; init; }

    /// <summary>How many were zeroed.</summary>
    public required long ZeroWriteCount { get; init; }

    /// <summary>How many were read between the writes.</summary>
    public required long ReadCount { get; init; }

    /// <summary>How many flushes there were.</summary>
    public required long FlushCount { get; init; }

    /// <summary>How many blocks were read back at the end.</summary>
    public required long CheckedCount { get; init; }

    /// <summary>Prints two lines for a person.</summary>
    public void PrintText(TextWriter output)
    {
        string seconds = (ElapsedNs / NsPerSecond).ToString("F3", CultureInfo.InvariantCulture);
        output.WriteLine($"{WriteCount} writes, {ZeroWriteCount} zero writes, {ReadCount} reads, {FlushCount} flushes on {ThreadCount} {(ThreadCount == 1 ? "thread" : "threads")} in {seconds} s");
        output.WriteLine($"verified: {ReadCount} blocks under the load and {CheckedCount} at the end hold what was written");
    }

    /// <summary>Prints one JSON object on one line.</summary>
    public void PrintJson(TextWriter output) => JsonLines.Print(output, isIndented: false, writer =>
    {
        writer.WriteStartObject();
        writer.WriteNumber("seconds", ElapsedNs / NsPerSecond);
        writer.WriteNumber("threads", ThreadCount);
        writer.WriteNumber("writes", WriteCount);
        writer.WriteNumber("zero_writes", ZeroWriteCount);
        writer.WriteNumber("reads", ReadCount);
        writer.WriteNumber("flushes", FlushCount);
        writer.WriteNumber("verified_at_end", CheckedCount);
        writer.WriteEndObject();
    });
}
