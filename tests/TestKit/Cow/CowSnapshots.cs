using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Graph;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.TestKit.Cow;

/// <summary>The snapshots of one open image: copies of all that it has.</summary>
internal sealed class CowSnapshots(BlockChild file, CowMetadata metadata, CowMemory memory) : IImageSnapshots
{
    /// <inheritdoc/>
    public IReadOnlyList<ImageSnapshot> All => [.. memory.Snapshots.Select(kept => kept.Snapshot)];

    /// <inheritdoc/>
    public async Task CreateAsync(ImageSnapshot snapshot, CancellationToken cancel)
    {
        List<byte[]?> clusters = [];
        for (int cluster = 0; cluster < metadata.Table.Count; cluster++)
        {
            CowEntry entry = metadata.Table[cluster];
            byte[]? bytes = entry.IsUnallocated ? null : [];
            if (entry.IsData)
            {
                bytes = new byte[metadata.Header.ClusterBytes];
                await file.ReadAsync(entry.HostOffset, bytes, RequestFlags.None, cancel);
            }

            clusters.Add(bytes);
        }

        memory.Snapshots.Add(new CowSnapshot(snapshot with { Id = $"{++memory.MadeCount}" }, clusters));
    }

    /// <inheritdoc/>
    public async Task ApplyAsync(ImageSnapshot snapshot, CancellationToken cancel)
    {
        CowSnapshot kept = Find(snapshot);
        await metadata.EmptyAsync();
        for (int cluster = 0; cluster < kept.Clusters.Count; cluster++)
        {
            if (kept.Clusters[cluster] is not { } bytes)
            {
                continue;
            }

            long hostOffset = bytes.Length > 0 ? metadata.Take() : 0;
            if (bytes.Length > 0)
            {
                await file.WriteAsync(hostOffset, bytes, RequestFlags.None, CancellationToken.None);
            }

            await metadata.SetAsync(cluster, bytes.Length > 0 ? CowEntry.At(hostOffset) : CowEntry.Zero);
        }
    }

    /// <inheritdoc/>
    public Task DeleteAsync(ImageSnapshot snapshot, CancellationToken cancel)
    {
        memory.Snapshots.Remove(Find(snapshot));
        return Task.CompletedTask;
    }

    private CowSnapshot Find(ImageSnapshot snapshot) =>
        memory.Snapshots.Find(kept => kept.Snapshot.Id == snapshot.Id) ?? throw new BlockException(BlockErrorKind.NotFound, $"There is no snapshot '{snapshot.Id}'");
}
