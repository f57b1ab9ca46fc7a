using System.Diagnostics.CodeAnalysis;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.Drivers.Formats.Qcow2;

/// <content>
/// Which blocks are in memory: as many as there may be. Of others those that nothing has changed are forgotten, and read again; the changed ones are written where
/// they are to lie. That is nowhere the image in force leads to: they may be written again, and again.
/// </content>
internal sealed partial class RefcountDraft
{
    private readonly Dictionary<int, RefcountDraftBlock> _blocks = [];
    private readonly Queue<RefcountDraftBlock> _loaded = new();
    private readonly Stack<Memory<byte>> _spare = new();
    private readonly int _loadedCountMax;

    // Where the blocks that have changed are to lie, by their index; 0 where that is open, or they have not.
    private long[] _places;

    private bool TryFind(int index, [NotNullWhen(true)] out RefcountDraftBlock? block)
    {
        if (_blocks.TryGetValue(index, out block))
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
        RefcountDraftBlock block = new(index, memory) { IsChanged = HasPlace(index) };
        if (block.IsChanged)
        {
            await _metadata.File.ReadAsync(_places[index], memory, RequestFlags.None, CancellationToken.None);
        }
        else if (OldPlaceOf(index) is not 0 and long old)
        {
            await _metadata.File.ReadAsync(old, memory, RequestFlags.None, CancellationToken.None);
        }
        else
        {
            memory.Span.Clear();
            if (!_hasOldWidth)
            {
                await ConvertAsync(block);
            }
        }

        _blocks.Add(index, block);
        _loaded.Enqueue(block);
        return block;
    }

    private bool HasPlace(int index) => index < _places.Length && _places[index] != 0;

    // Where a block of the same counts lies in the image that is in force; 0 for nowhere.
    private long OldPlaceOf(int index) => _hasOldWidth && _metadata.Refcounts.TryFindSlice(index * _countsPerBlock, out long hostOffset) ? hostOffset : 0;

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
            while (leaving.Exists(block => block.IsChanged && !HasPlace(block.Index)))
            {
                foreach (RefcountDraftBlock block in leaving)
                {
                    if (block.IsChanged)
                    {
                        await PlaceAsync(block);
                    }
                }
            }

            _unplaced.RemoveAll(block => HasPlace(block.Index));
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
        _blocks.Remove(block.Index);
    }

    private async ValueTask PlaceAsync(RefcountDraftBlock block)
    {
        if (HasPlace(block.Index))
        {
            return;
        }

        long place = await FindPlaceAsync(1);
        if (block.Index >= _places.Length)
        {
            Array.Resize(ref _places, Math.Max(block.Index + 1, _places.Length + (_places.Length / 8)));
        }

        _places[block.Index] = place;
        if (OldPlaceOf(block.Index) is not 0 and long old)
        {
            long cluster = old >> _old.ClusterBits;
            Change(await LoadAsync((int)(cluster / _countsPerBlock)), cluster, -1);
        }
    }

    private async ValueTask WriteAsync(IEnumerable<RefcountDraftBlock> blocks, CancellationToken cancel)
    {
        ClusterWriter writer = new(_metadata);
        foreach (RefcountDraftBlock block in blocks.Where(static block => block.IsDirty).OrderBy(block => _places[block.Index]).ToArray())
        {
            cancel.ThrowIfCancellationRequested();
            await writer.AddAsync(_places[block.Index], block.Counts);
            block.IsDirty = false;
        }

        await writer.FinishAsync();
    }
}
