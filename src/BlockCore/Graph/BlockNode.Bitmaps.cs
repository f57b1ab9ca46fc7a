using BlockGraph.BlockCore.Bitmaps;
using BlockGraph.BlockCore.DriverModel;
using BlockGraph.BlockCore.Drain;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Graph;

/// <content>Dirty bitmaps: what has been written to the node. Changes are made while it is drained: no write that lands later goes unmarked.</content>
public sealed partial class BlockNode
{
    private const long PlainGranularityBytes = 64 << 10;
    private const int BitmapNameBytesMax = 1023;

    // One change at a time: what was looked at first still holds when it takes effect.
    private readonly CoMutex _bitmapChange = new();
    private DirtyBitmapSet? _bitmaps;

    /// <summary>The dirty bitmaps. Only the node's own driver adds to it by itself, while the node is opened, reopened or drained. Main context.</summary>
    public DirtyBitmapSet Bitmaps => _bitmaps ??= new DirtyBitmapSet(OnRecordingChanged);

    /// <summary>The dirty bitmaps, where any of them follows writes; else null.</summary>
    internal DirtyBitmapSet? RecordingBitmaps { get; private set; }

    /// <summary>The dirty bitmap called <paramref name="name"/>. Main context.</summary>
    /// <exception cref="BlockException">There is none.</exception>
    public DirtyBitmap GetBitmap(string name) =>
        _bitmaps is not null && _bitmaps.TryFind(name, out DirtyBitmap? bitmap) ? bitmap : throw new BlockException(BlockErrorKind.NotFound, $"Dirty bitmap '{name}' not found");

    /// <summary>Adds a dirty bitmap, which is clean. <i>QEMU: block-dirty-bitmap-add.</i></summary>
    /// <param name="name">What it is called.</param>
    /// <param name="granularityBytes">How much of the image a bit stands for; null for a cluster, from 4 to 64 KiB.</param>
    /// <param name="isPersistent">The image keeps it.</param>
    /// <param name="isEnabled">It follows writes.</param>
    /// <param name="cancel">Ends it between two steps.</param>
    /// <exception cref="BlockException">There is one of that name, or it cannot be like that; nothing has changed.</exception>
    public Task<DirtyBitmap> AddBitmapAsync(string name, long? granularityBytes = null, bool isPersistent = false, bool isEnabled = true, CancellationToken cancel = default) =>
        ChangeBitmapsAsync(async () =>
        {
            long granularity = granularityBytes ?? DefaultGranularityBytes;
            CheckNewBitmap(name, granularity, isPersistent);
            DirtyBitmap bitmap = new(name, granularity, LengthBytes) { IsPersistent = isPersistent, IsEnabled = isEnabled, IsChanged = true, IsReadOnly = isPersistent && IsReadOnly };
            await BeginBitmapChangeAsync(bitmap, cancel);
            Bitmaps.Add(bitmap);
            return bitmap;
        });

    /// <summary>Removes a dirty bitmap, and what the image has of it. <i>QEMU: block-dirty-bitmap-remove.</i></summary>
    /// <exception cref="BlockException">There is none, an operation has it, or it could not be removed; nothing has changed.</exception>
    public Task RemoveBitmapAsync(string name, CancellationToken cancel = default) =>
        ChangeBitmapsAsync(async () =>
        {
            DirtyBitmap bitmap = GetBitmap(name);
            bitmap.ThrowIfUnusable(mayBeInconsistent: true);
            if (bitmap.IsPersistent && Instance.Bitmaps is { } image)
            {
                await image.RemoveAsync(name, cancel);
            }

            Bitmaps.Remove(bitmap);
            return bitmap;
        });

    /// <summary>Takes all marks of a dirty bitmap. <i>QEMU: block-dirty-bitmap-clear.</i></summary>
    /// <exception cref="BlockException">There is none, or it cannot be changed; nothing has changed.</exception>
    public Task ClearBitmapAsync(string name, CancellationToken cancel = default) =>
        ChangeBitmapsAsync(async () =>
        {
            DirtyBitmap bitmap = GetBitmap(name);
            bitmap.ThrowIfUnusable();
            await BeginBitmapChangeAsync(bitmap, cancel);
            bitmap.Clear();
            return bitmap;
        });

    /// <summary>Has a dirty bitmap follow writes from now on, or no longer. <i>QEMU: block-dirty-bitmap-enable, -disable.</i></summary>
    /// <exception cref="BlockException">There is none, or it cannot be changed; nothing has changed.</exception>
    public Task SetBitmapEnabledAsync(string name, bool isEnabled, CancellationToken cancel = default) =>
        ChangeBitmapsAsync(async () =>
        {
            DirtyBitmap bitmap = GetBitmap(name);
            bitmap.ThrowIfUnusable();
            await BeginBitmapChangeAsync(bitmap, cancel);
            Bitmaps.SetEnabled(bitmap, isEnabled);
            return bitmap;
        });

    /// <summary>Adds to a dirty bitmap what is dirty in others, of this node or of others, of any granularity. All of them, or none. <i>QEMU: block-dirty-bitmap-merge.</i></summary>
    /// <exception cref="BlockException">One cannot be used, or they are of images of different lengths; nothing has changed.</exception>
    public Task MergeBitmapsAsync(string name, IReadOnlyList<DirtyBitmap> sources, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(sources);
        return ChangeBitmapsAsync(async () =>
        {
            DirtyBitmap target = GetBitmap(name);
            foreach (DirtyBitmap source in sources)
            {
                target.ThrowIfNotMergeable(source);
            }

            await BeginBitmapChangeAsync(target, cancel);
            foreach (DirtyBitmap source in sources)
            {
                target.MergeFrom(source);
            }

            return target;
        });
    }

    /// <summary>Writes what the image is to keep of its dirty bitmaps, which otherwise happens when it is closed.</summary>
    /// <exception cref="BlockException">It could not be written.</exception>
    public Task StoreBitmapsAsync(CancellationToken cancel = default) =>
        ChangeBitmapsAsync(async () =>
        {
            if (Instance.Bitmaps is { } image && IsWritable)
            {
                await image.StoreAsync(cancel);
            }

            return true;
        });

    /// <summary>Gives a dirty bitmap a successor, which follows writes in its stead while an operation has it.</summary>
    internal Task<DirtyBitmap> CreateBitmapSuccessorAsync(DirtyBitmap bitmap) => ChangeBitmapsAsync(() => Task.FromResult(Bitmaps.CreateSuccessor(bitmap)));

    /// <summary>The operation has done what the bitmap said: the successor takes its place.</summary>
    internal Task<DirtyBitmap> AbdicateBitmapAsync(DirtyBitmap bitmap) => ChangeBitmapsAsync(() => Task.FromResult(Bitmaps.Abdicate(bitmap)));

    /// <summary>The operation has failed: the bitmap has what it had, and what was written meanwhile.</summary>
    internal Task ReclaimBitmapAsync(DirtyBitmap bitmap) =>
        ChangeBitmapsAsync(() =>
        {
            Bitmaps.Reclaim(bitmap);
            return Task.FromResult(bitmap);
        });

    private long DefaultGranularityBytes =>
        Instance.Bitmaps?.DefaultGranularityBytes ?? (Instance.ClusterBytes is { } cluster ? Math.Clamp(cluster, 4 << 10, PlainGranularityBytes) : PlainGranularityBytes);

    private void CheckNewBitmap(string name, long granularityBytes, bool isPersistent)
    {
        DirtyBitmap.CheckGranularity(granularityBytes);
        if (name.Length == 0)
        {
            throw new BlockException("Bitmap name cannot be empty");
        }

        if (_bitmaps is not null && _bitmaps.TryFind(name, out _))
        {
            throw new BlockException(BlockErrorKind.AlreadyExists, $"Bitmap already exists: {name}");
        }

        if (!isPersistent)
        {
            if (System.Text.Encoding.UTF8.GetByteCount(name) > BitmapNameBytesMax)
            {
                throw new BlockException($"Bitmap name too long: {name}");
            }

            return;
        }

        IImageBitmaps image = Instance.Bitmaps ?? throw new BlockException(BlockErrorKind.NotSupported, $"Can't store persistent bitmaps to {Name}: Operation not supported");
        try
        {
            image.ThrowIfNotKept(name, granularityBytes);
        }
        catch (BlockException refusal)
        {
            throw refusal.Prefixed($"Can't make bitmap '{name}' persistent in '{Name}': ");
        }
    }

    private Task BeginBitmapChangeAsync(DirtyBitmap bitmap, CancellationToken cancel) =>
        bitmap.IsPersistent && IsWritable && Instance.Bitmaps is { } image ? image.BeginChangeAsync(cancel) : Task.CompletedTask;

    private Task<T> ChangeBitmapsAsync<T>(Func<Task<T>> change) =>
        Graph.MainContext.RunAsync(async () =>
        {
            AddReference();
            try
            {
                await _bitmapChange.EnterAsync();
                try
                {
                    return await ChangeBitmapsAloneAsync(change);
                }
                finally
                {
                    _bitmapChange.Exit();
                }
            }
            finally
            {
                DropReference(new GraphWriteToken(Graph));
                await Graph.CloseScheduledAsync();
            }
        });

    // What is written to the image is written at its home.
    private async Task<T> ChangeBitmapsAloneAsync<T>(Func<Task<T>> change)
    {
        await using (await DrainScope.BeginAsync(this))
        {
            Work.Begin();
            try
            {
                return await Context.RunAsync(change);
            }
            finally
            {
                Work.End();
            }
        }
    }

    // The node is drained, or being opened.
    private void OnRecordingChanged()
    {
        RecordingBitmaps = _bitmaps!.IsRecording ? _bitmaps : null;
        Graph.BumpEpoch();
    }
}
