using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <content>Zeros that are only said become zeros that are there, for version 2.</content>
internal sealed partial class MappingDraft
{
    // By where they lie: several snapshots have most tables in common.
    private readonly Dictionary<long, WrittenOut> _writtenOut = [];

    /// <summary>
    /// The top table of a snapshot for what <paramref name="top"/> leads to, without clusters that only say that they are zeros: they are none any more, or, where a
    /// backing node would show, clusters of zeros. Tables that change are written elsewhere.
    /// </summary>
    /// <param name="top">The snapshot's.</param>
    /// <param name="reached">Told how many of its entries have been seen to.</param>
    /// <param name="cancel">Ends it between two tables.</param>
    /// <exception cref="BlockCore.Errors.BlockException">There is no room, a count would not fit, or a table could not be read or written.</exception>
    public async Task<ulong[]> WriteOutZeroesAsync(ReadOnlyMemory<ulong> top, Action<int> reached, CancellationToken cancel)
    {
        ulong[] changed = top.ToArray();
        await ForEachTableAsync(top, async (l1Index, bytes) =>
        {
            long table = TableOf(top.Span[l1Index]);
            if (!_writtenOut.TryGetValue(table, out WrittenOut? known))
            {
                known = await WriteOutAsync(l1Index * _geometry.L1SpanBytes, bytes);
                _writtenOut.Add(table, known);
            }
            else if (known.HostOffset != 0)
            {
                await ShareAsync(known);
            }

            if (known.HostOffset != 0)
            {
                await counts.ChangeAsync(table >> _geometry.ClusterBits, -1);
                await known.ForEachGivenUpAsync(hostOffset => counts.ChangeAsync(hostOffset >> _geometry.ClusterBits, -1));
                changed[l1Index] = (ulong)known.HostOffset;
            }

            reached(l1Index + 1);
        }, cancel);
        return changed;
    }

    private async ValueTask<WrittenOut> WriteOutAsync(long guestOffset, Memory<byte> bytes)
    {
        WrittenOut result = new();
        for (int index = NextUsed(bytes, 0); index >= 0; index = NextUsed(bytes, index + 1))
        {
            L2Entry entry = Entry(bytes, index);
            if (entry.KindOf(0) != SubclusterKind.Zero)
            {
                continue;
            }

            if (entry.HasCluster)
            {
                ThrowUnlessCluster(entry, index);
                result.GivenUp.Add(entry.HostOffset);
            }

            long guest = guestOffset + ((long)index << _geometry.ClusterBits);
            L2Entry written = metadata.ShowsBacking(guest) ? L2Entry.Unallocated.WithData(await WriteZeroesAsync(guest, result), 0, 1).WithCopied(false) : L2Entry.Unallocated;
            written.WriteTo(bytes.Span[(index * _geometry.L2EntryBytes)..], _geometry);
            result.IsChanged = true;
        }

        if (result.IsChanged)
        {
            result.HostOffset = await counts.TakeAsync(1);
            await metadata.File.WriteAsync(result.HostOffset, bytes, RequestFlags.None, CancellationToken.None);
        }

        return result;
    }

    private async ValueTask<long> WriteZeroesAsync(long guestOffset, WrittenOut result)
    {
        long hostOffset = await counts.TakeAsync(1);
        IoVector zeros = new(AlignedBuffer.Allocate(_geometry.ClusterBytes, metadata.File.Node.Limits.MemoryAlignmentBytes));
        if (metadata.Cipher is { } cipher)
        {
            zeros = new IoVector(cipher.Encrypt(guestOffset, hostOffset, zeros, metadata.File.Node.Limits.MemoryAlignmentBytes));
        }

        await metadata.File.WriteAsync(hostOffset, zeros, RequestFlags.None, CancellationToken.None);
        result.Taken.Add(hostOffset);
        return hostOffset;
    }

    // Another snapshot has the same table.
    private async ValueTask ShareAsync(WrittenOut table)
    {
        await counts.ChangeAsync(table.HostOffset >> _geometry.ClusterBits, 1);
        foreach (long hostOffset in table.Taken)
        {
            await counts.ChangeAsync(hostOffset >> _geometry.ClusterBits, 1);
        }
    }

    /// <summary>What became of one table.</summary>
    private sealed class WrittenOut
    {
        /// <summary>Something of it had to change.</summary>
        public bool IsChanged { get; set; }

        /// <summary>Where it lies now; 0 where it did not change.</summary>
        public long HostOffset { get; set; }

        /// <summary>The clusters that it has beyond what it had.</summary>
        public List<long> Taken { get; } = [];

        /// <summary>The clusters that it has no more.</summary>
        public List<long> GivenUp { get; } = [];

        public async ValueTask ForEachGivenUpAsync(Func<long, ValueTask> use)
        {
            foreach (long hostOffset in GivenUp)
            {
                await use(hostOffset);
            }
        }
    }
}
