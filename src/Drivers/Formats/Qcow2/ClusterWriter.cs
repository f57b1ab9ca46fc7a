using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <summary>Writes clusters of tables, those that lie one behind the other at once. What is added stays as it is until it was written.</summary>
internal sealed class ClusterWriter(Qcow2Metadata metadata)
{
    private const int WriteBytesMax = 1 << 20;
    private const int PartCountMax = 512;

    private readonly List<Memory<byte>> _parts = [];
    private long _start;
    private long _end;

    /// <summary>Adds a piece.</summary>
    public async ValueTask AddAsync(long hostOffset, Memory<byte> bytes)
    {
        if (_parts.Count == 0 || hostOffset != _end || _end - _start >= WriteBytesMax || _parts.Count == PartCountMax)
        {
            await FinishAsync();
            _start = hostOffset;
        }

        _parts.Add(bytes);
        _end = hostOffset + bytes.Length;
    }

    /// <summary>Writes the rest.</summary>
    public async ValueTask FinishAsync()
    {
        if (_parts.Count > 0)
        {
            await metadata.File.WriteAsync(_start, new IoVector(new IoSegments([.. _parts])), RequestFlags.None, CancellationToken.None);
            _parts.Clear();
        }
    }
}
