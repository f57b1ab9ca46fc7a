using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.TestKit.Conformance;

/// <summary>Random requests to a part of the image that nobody else touches; each read must show what the model says.</summary>
/// <param name="world">The world.</param>
/// <param name="start">Where the part begins.</param>
/// <param name="length">How long it is.</param>
internal sealed class Workload(ConformanceWorld world, int start, int length)
{
    private static readonly int[] s_boundaries = [512, 4096, 16384];

    /// <summary>The longest request.</summary>
    public int RequestBytesMax { get; init; } = 20_000;

    /// <summary>Storage may fail: a request that does so has left old or new bytes.</summary>
    public bool MayFail { get; init; }

    /// <summary>Nothing is flushed but by the check itself.</summary>
    public bool LeavesFlushes { get; init; }

    /// <summary>How many requests have failed.</summary>
    public int FailedCount { get; private set; }

    /// <summary>Makes requests, one after the other.</summary>
    public async Task RunAsync(int requestCount, bool pauses = false)
    {
        for (int i = 0; i < requestCount; i++)
        {
            await StepAsync();
            if (pauses)
            {
                await world.PauseAsync();
            }
        }
    }

    /// <summary>Makes one request.</summary>
    public Task StepAsync()
    {
        (int offset, int size) = Place();
        return world.Chance.Next(20) switch
        {
            < 7 => ReadAsync(offset, size),
            < 13 => WriteAsync(offset, size, world.Chance.OneIn(5) ? RequestFlags.Fua : RequestFlags.None),
            < 16 => ZeroAsync(offset, size, world.Chance.Next(4) switch { 0 => RequestFlags.MayUnmap, 1 => RequestFlags.NoFallback, 2 => RequestFlags.Fua, _ => RequestFlags.None }),
            < 18 => DiscardAsync(offset, size),
            _ => LeavesFlushes ? Task.CompletedTask : FlushAsync(),
        };
    }

    /// <summary>Reads, and compares.</summary>
    public async Task ReadAsync(int offset, int size)
    {
        byte[] bytes = new byte[size];
        Array.Fill(bytes, (byte)0xA7);
        try
        {
            await world.Backend.ReadAsync(offset, world.Cut(bytes));
        }
        catch (BlockException) when (MayFail)
        {
            FailedCount++;
            return;
        }

        Compare(bytes, offset, "a read");
    }

    /// <summary>Writes.</summary>
    public async Task WriteAsync(int offset, int size, RequestFlags flags, CancellationToken cancel = default)
    {
        int write = world.Model.Begin(offset, size, isZero: false);
        byte[] bytes = world.Model.BytesOf(write, offset, size);
        await ChangeAsync(write, offset, size, $"a write {flags}", () => world.Backend.WriteAsync(offset, world.Cut(bytes), flags, cancel));
    }

    /// <summary>Writes zeros; a refusal to do so without buffers has no effect.</summary>
    public async Task ZeroAsync(int offset, int size, RequestFlags flags)
    {
        int write = world.Model.Begin(offset, size, isZero: true);
        try
        {
            await ChangeAsync(write, offset, size, $"a zero write {flags}", () => world.Backend.WriteZeroesAsync(offset, size, flags));
        }
        catch (BlockException error) when (error.Kind == BlockErrorKind.NotSupported && (flags & RequestFlags.NoFallback) != 0)
        {
            await AdoptAsync(write, offset, size, "a refused zero write");
        }
    }

    /// <summary>Discards: what was there may be zeros afterwards.</summary>
    public async Task DiscardAsync(int offset, int size)
    {
        int write = world.Model.Begin(offset, size, isZero: true);
        try
        {
            await world.Backend.DiscardAsync(offset, size);
        }
        catch (BlockException) when (MayFail)
        {
            FailedCount++;
        }

        await AdoptAsync(write, offset, size, "a discard");
    }

    /// <summary>Flushes.</summary>
    public async Task FlushAsync()
    {
        try
        {
            await world.Backend.FlushAsync();
        }
        catch (BlockException) when (MayFail)
        {
            FailedCount++;
        }
    }

    /// <summary>Each byte is the old one or the write's.</summary>
    public async Task AdoptAsync(int write, int offset, int size, string what)
    {
        byte[] actual = new byte[size];
        while (!await IsReadAsync(offset, actual))
        {
            FailedCount++;
        }

        if (world.ComparesData)
        {
            Requirement.Same(world.Model.Adopt(write, offset, actual), $"after {what} {offset}+{size}");
        }
    }

    private async Task<bool> IsReadAsync(int offset, byte[] bytes)
    {
        try
        {
            await world.Backend.ReadAsync(offset, bytes);
            return true;
        }
        catch (BlockException) when (MayFail)
        {
            return false;
        }
    }

    private async Task ChangeAsync(int write, int offset, int size, string what, Func<ValueTask> request)
    {
        try
        {
            await request();
            world.Model.Complete(write, offset, size);
        }
        catch (BlockException error) when (MayFail && error.Kind != BlockErrorKind.NotSupported)
        {
            FailedCount++;
            await AdoptAsync(write, offset, size, $"{what} that failed");
            return;
        }

        // The write itself must have done it, not a later one beside it.
        if (world.Chance.OneIn(3))
        {
            await ReadAsync(offset, size);
        }
    }

    private void Compare(byte[] bytes, int offset, string what)
    {
        if (world.ComparesData)
        {
            Requirement.Same(world.Model.Difference(bytes, offset), $"{what} {offset}+{bytes.Length}");
        }
    }

    // Near boundaries as often as anywhere.
    private (int Offset, int Size) Place()
    {
        SeededRandom chance = world.Chance;
        int offset = start + chance.Next(length);
        if (chance.OneIn(2))
        {
            int boundary = s_boundaries[chance.Next(s_boundaries.Length)];
            offset = Math.Clamp((offset / boundary * boundary) + (chance.OneIn(2) ? 0 : chance.Next(5) - 2), start, start + length - 1);
        }

        int size = chance.Next(5) switch
        {
            0 => chance.Next(40),
            1 => s_boundaries[chance.Next(2)],
            _ => chance.Next(RequestBytesMax),
        };
        return (offset, Math.Min(size, start + length - offset));
    }
}
