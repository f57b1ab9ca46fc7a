using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;
using BlockGraph.TestKit;

namespace BlockGraph.Drivers.Tests.Requests;

/// <summary>Random requests of every kind to one backend, many at once and anywhere, each read held against the history.</summary>
internal sealed class RequestLoad(BlockBackend backend, SeededRandom chance, RequestHistory history, int unitBytes)
{
    private const int RequestBytesMax = 12_000;
    private const int LengthBytesMax = 96 * 1024;
    private static readonly PreallocationMode[] s_preallocations = [PreallocationMode.Off, PreallocationMode.Falloc, PreallocationMode.Full, PreallocationMode.Metadata];
    private int _leftCount;
    private bool _isGrowing;

    /// <summary>What went wrong first, or null.</summary>
    public string? Fault { get; private set; }

    /// <summary>Begins a round of so many requests, which <see cref="RunAsync"/> takes from.</summary>
    public void StartRound(int requestCount) => _leftCount = requestCount;

    /// <summary>Makes requests one after the other until the round is over; several of these run at once, on any context.</summary>
    public async Task RunAsync()
    {
        while (Fault is null && _leftCount > 0)
        {
            _leftCount--;
            await StepAsync();
            if (chance.OneIn(3))
            {
                await AioContext.Current!.DelayAsync(chance.NextLong(30_000));
            }
        }
    }

    /// <summary>Nothing is under way: everything is read and becomes what the history begins with.</summary>
    public async Task SettleAsync()
    {
        byte[] bytes = new byte[history.LengthBytes];
        Require(backend.LengthBytes == bytes.Length, $"the image has {backend.LengthBytes} bytes, not {bytes.Length}");
        await ReadAsync(0, bytes.Length, "what is there at the end of a round");
        if (Fault is null)
        {
            await backend.ReadAsync(0, bytes);
            history.Settle(bytes);
        }
    }

    /// <summary>Nothing is under way: the image becomes shorter, or refuses to.</summary>
    public async Task ShrinkAsync()
    {
        int length = history.LengthBytes - (chance.Next(12) * 1024 / unitBytes * unitBytes);
        byte[] bytes = new byte[history.LengthBytes];
        await backend.ReadAsync(0, bytes);
        if (await IsTruncatedAsync(length, PreallocationMode.Off))
        {
            history.Settle(bytes[..length]);
        }

        await SettleAsync();
    }

    private Task StepAsync()
    {
        int offset = chance.Next(history.LengthBytes);
        if (chance.OneIn(2))
        {
            offset = offset / unitBytes * unitBytes;
        }

        int length = chance.Next(4) switch { 0 => chance.Next(40), 1 => unitBytes * (1 + chance.Next(3)), _ => chance.Next(RequestBytesMax) };
        length = Math.Min(length, history.LengthBytes - offset);
        return chance.Next(24) switch
        {
            < 8 => ReadAsync(offset, length, "a read"),
            < 15 => WriteAsync(offset, length, isZero: chance.OneIn(6), chance.OneIn(5) ? RequestFlags.Fua : RequestFlags.None),
            < 18 => ZeroAsync(offset, length),
            < 20 => DiscardAsync(offset, length),
            < 22 => backend.FlushAsync().AsTask(),
            _ => GrowAsync(),
        };
    }

    private async Task ReadAsync(int offset, int length, string what)
    {
        byte[] bytes = new byte[length];
        Array.Fill(bytes, (byte)0xFC);
        long begunAt = history.Now();
        await backend.ReadAsync(offset, Cut(bytes));
        if (history.FindFault(offset, bytes, begunAt, unitBytes) is { } fault)
        {
            Require(false, $"{what} of {offset}+{length} [{begunAt}..{history.Now()}]: {fault}");
        }
    }

    private async Task WriteAsync(int offset, int length, bool isZero, RequestFlags flags)
    {
        RequestHistory.Change change = history.Begin(offset, length, isZero);
        byte[] bytes = change.Bytes(offset, length);
        await backend.WriteAsync(offset, Cut(bytes), flags);
        history.End(change);
        Require(bytes.AsSpan().SequenceEqual(change.Bytes(offset, length)), "a write has changed the memory of its caller");
    }

    private async Task ZeroAsync(int offset, int length)
    {
        RequestFlags flags = chance.Next(4) switch { 0 => RequestFlags.MayUnmap, 1 => RequestFlags.NoFallback, 2 => RequestFlags.Fua, _ => RequestFlags.None };
        RequestHistory.Change change = history.Begin(offset, length, isZero: true, mayLeave: flags == RequestFlags.NoFallback);
        try
        {
            await backend.WriteZeroesAsync(offset, length, flags);
        }
        catch (BlockException refusal) when (flags == RequestFlags.NoFallback && refusal.Kind == BlockErrorKind.NotSupported)
        {
            // Nothing, or part of it, has been zeroed.
        }

        history.End(change);
    }

    private async Task DiscardAsync(int offset, int length)
    {
        RequestHistory.Change change = history.Begin(offset, length, isZero: true, mayLeave: true);
        await backend.DiscardAsync(offset, length);
        history.End(change);
    }

    // Nobody asks for what is new before it is there.
    private async Task GrowAsync()
    {
        int length = history.LengthBytes + ((1 + chance.Next(8 * 1024 / unitBytes)) * unitBytes);
        if (_isGrowing || length > LengthBytesMax)
        {
            return;
        }

        _isGrowing = true;
        if (await IsTruncatedAsync(length, s_preallocations[chance.Next(s_preallocations.Length)]))
        {
            history.GrowTo(length);
        }

        _isGrowing = false;
    }

    // The main context is where lengths are changed.
    private Task<bool> IsTruncatedAsync(int length, PreallocationMode preallocation)
    {
        return ReferenceEquals(AioContext.Current, backend.Graph.MainContext) ? TryAsync() : Task.FromResult(false);

        async Task<bool> TryAsync()
        {
            try
            {
                await backend.TruncateAsync(length, preallocation: preallocation);
                return true;
            }
            catch (BlockException)
            {
                return false;
            }
        }
    }

    private IoVector Cut(byte[] bytes)
    {
        if (bytes.Length < 3 || !chance.OneIn(3))
        {
            return bytes;
        }

        int cut = 1 + chance.Next(bytes.Length - 1);
        return new IoVector(new IoSegments(bytes.AsMemory(0, cut), bytes.AsMemory(cut)));
    }

    private void Require(bool isTrue, string otherwise) => Fault ??= isTrue ? null : otherwise;
}
