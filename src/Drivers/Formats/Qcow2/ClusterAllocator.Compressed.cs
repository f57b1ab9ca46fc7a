using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <content>Space for compressed clusters: they lie one behind the other, several in a cluster, each of which counts those that touch it.</content>
internal sealed partial class ClusterAllocator
{
    private readonly CoMutex _bytes = new();

    // Behind the last compressed cluster: the rest of its cluster is free for the next. 0 for none.
    private long _nextByte;

    /// <summary>Takes so many bytes that lie together: fewer than a cluster has.</summary>
    /// <exception cref="BlockException">There is no room, or none that an entry could lead to.</exception>
    public async ValueTask<CompressedPlace> AllocateBytesAsync(int lengthBytes)
    {
        await metadata.File.DebugEventAsync(DebugEvent.ClusterAllocBytes);
        await _bytes.EnterAsync();
        try
        {
            if (!await TryAppendAsync(lengthBytes))
            {
                (_nextByte, _) = await AllocateAsync(1);
            }

            CompressedPlace place = new(_nextByte, lengthBytes);
            if (place.HostOffset > CompressedPlace.HostOffsetMax(_geometry))
            {
                _nextByte = 0;
                await GiveBackAsync(place);
                throw new BlockException(BlockErrorKind.TooLarge, $"Node '{metadata.Node.Name}': a compressed cluster would lie too far back in the file");
            }

            _nextByte = _geometry.IsClusterStart(place.HostOffset + lengthBytes) ? 0 : place.HostOffset + lengthBytes;
            return place;
        }
        finally
        {
            _bytes.Exit();
        }
    }

    /// <summary>Gives back the space of a compressed cluster that nothing ever led to.</summary>
    public ValueTask GiveBackAsync(CompressedPlace place)
    {
        long first = _geometry.ClusterStart(place.HostOffset);
        return GiveBackAsync(first, (int)((_geometry.RoundUp(place.EndOffset) - first) >> _geometry.ClusterBits));
    }

    // The cluster that was begun counts one more; where it has not enough room the next one must be free.
    private async ValueTask<bool> TryAppendAsync(int lengthBytes)
    {
        if (_nextByte == 0)
        {
            return false;
        }

        long cluster = _nextByte >> _geometry.ClusterBits;
        if (await metadata.Refcounts.GetAsync(cluster) >= _geometry.RefcountMax)
        {
            return false;
        }

        bool needsNext = lengthBytes > _geometry.ClusterBytes - _geometry.InCluster(_nextByte);
        if (needsNext && !await TryTakeAsync(cluster + 1))
        {
            return false;
        }

        await metadata.Refcounts.ChangeAsync(cluster, 1);
        if (_nextByte >> _geometry.ClusterBits == cluster)
        {
            return true;
        }

        // It was closed meanwhile: it is on its way to be free, and the file may be letting go of it.
        await GiveBackAsync(cluster << _geometry.ClusterBits, needsNext ? 2 : 1);
        return false;
    }

    private async ValueTask<bool> TryTakeAsync(long cluster)
    {
        RefcountTable refcounts = metadata.Refcounts;
        if (!refcounts.TryFindSlice(cluster, out long hostOffset))
        {
            return false;
        }

        MetadataSlice slice = await refcounts.Cache.GetAsync(hostOffset);
        int index = refcounts.IndexInSlice(cluster);
        if (RefcountBits.Get(slice.Bytes, index, _geometry.RefcountOrder) != 0)
        {
            return false;
        }

        ThrowIfUnusable(cluster, 1);
        RefcountBits.Set(refcounts.Cache.Change(slice), index, _geometry.RefcountOrder, 1);
        return true;
    }

    /// <summary>Puts no more compressed clusters into a cluster that was begun, if it is one of these: what is there may be nobody's any more, and the rest of it with it.</summary>
    public void StopAppending(long cluster, int count)
    {
        long begun = _nextByte >> _geometry.ClusterBits;
        if (begun >= cluster && begun < cluster + count)
        {
            _nextByte = 0;
        }
    }
}
