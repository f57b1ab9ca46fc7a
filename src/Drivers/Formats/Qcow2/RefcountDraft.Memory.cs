using System.Diagnostics.CodeAnalysis;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <content>
/// Which blocks are in memory: as many as there may be. Of others those that nothing has changed are forgotten, and read again; the changed ones are written where
/// they are to lie. That is nowhere the image in force leads to: they may be written again, and again.
/// </content>
internal sealed partial class RefcountDraft
{
    private readonly Queue<RefcountDraftBlock> _loaded = new();
    private readonly Stack<Memory<byte>> _spare = new();
    private readonly int _loadedCountMax;

    private bool TryFind(int index, [NotNullWhen(true)] out RefcountDraftBlock? block)
    {
        if (_blocks.TryGetValue(index, out block) && block.IsLoaded)
        {
            block.WasTouched = true;
            return true;
        }

        return false;
    }

    private async ValueTask<RefcountDraftBlock> LoadAsync(int index)
    {
        if (TryFind(index, out RefcountDraftBlock? loaded))
        {
            return loaded;
        }

        Memory<byte> memory = _spare.TryPop(out Memory<byte> spare) ? spare : AlignedBuffer.Allocate(_old.ClusterBytes, _metadata.File.Node.Limits.MemoryAlignmentBytes);
        if (_blocks.TryGetValue(index, out RefcountDraftBlock? written))
        {
            await _metadata.File.ReadAsync(written.HostOffset, memory, RequestFlags.None, CancellationToken.None);
            written.Counts = memory;
            _loaded.Enqueue(written);
            return written;
        }

        memory.Span.Clear();
        RefcountDraftBlock block = new(index, memory);
        if (!_hasOldWidth)
        {
            await ConvertAsync(block);
        }
        else if (_metadata.Refcounts.TryFindSlice(index * _countsPerBlock, out long hostOffset))
        {
            block.OldHostOffset = hostOffset;
            await _metadata.File.ReadAsync(hostOffset, block.Counts, RequestFlags.None, CancellationToken.None);
        }

        block.RememberUsed(_order);
        _blocks.Add(index, block);
        _loaded.Enqueue(block);
        return block;
    }

    // Not while somebody has a block in hand. What gets a place is counted, which may bring further blocks into memory: hence some at once, and again.
    private async ValueTask TrimAsync()
    {
        while (_loaded.Count > _loadedCountMax)
        {
            List<RefcountDraftBlock> leaving = [];
            int leavingMax = Math.Max(1, _loadedCountMax / 4);
            while (leaving.Count < leavingMax && _loaded.TryDequeue(out RefcountDraftBlock? block))
            {
                if (block.WasTouched)
                {
                    block.WasTouched = false;
                    _loaded.Enqueue(block);
                    continue;
                }

                leaving.Add(block);
            }

            // The place of one may be counted by another of them.
            while (leaving.Find(static block => block.IsChanged && block.HostOffset == 0) is { } homeless)
            {
                await PlaceAsync(homeless);
            }

            await WriteAsync(leaving.Where(static block => block.IsChanged), CancellationToken.None);
            leaving.ForEach(Unload);
        }
    }

    // For who looks through many blocks, and may not write: those that need not be written.
    private void GiveUpClean()
    {
        if (_loaded.Count <= _loadedCountMax + (_loadedCountMax / 4))
        {
            return;
        }

        for (int left = _loaded.Count; left > 0; left--)
        {
            RefcountDraftBlock block = _loaded.Dequeue();
            if (block.IsDirty)
            {
                _loaded.Enqueue(block);
            }
            else
            {
                Unload(block);
            }
        }
    }

    private void Unload(RefcountDraftBlock block)
    {
        _spare.Push(block.Counts);
        block.Counts = default;
        if (!block.IsChanged)
        {
            _blocks.Remove(block.Index);
        }
    }

    private async ValueTask PlaceAsync(RefcountDraftBlock block)
    {
        if (block.HostOffset != 0)
        {
            return;
        }

        block.HostOffset = await FindPlaceAsync(1);
        if (block.OldHostOffset != 0)
        {
            long cluster = block.OldHostOffset >> _old.ClusterBits;
            Change(await LoadAsync((int)(cluster / _countsPerBlock)), cluster, -1);
        }
    }

    private async ValueTask WriteAsync(IEnumerable<RefcountDraftBlock> blocks, CancellationToken cancel)
    {
        ClusterWriter writer = new(_metadata);
        foreach (RefcountDraftBlock block in blocks.Where(static block => block.IsDirty).OrderBy(static block => block.HostOffset).ToArray())
        {
            cancel.ThrowIfCancellationRequested();
            await writer.AddAsync(block.HostOffset, block.Counts);
            block.IsDirty = false;
        }

        await writer.FinishAsync();
    }
}
