using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.Tools.Bench;

/// <summary>One loop of a load that is verified: it claims a block, writes or reads it, and gives it back.</summary>
internal sealed class VerifyWorker
{
    private const int BufferAlignmentBytes = 4096;
    private const ulong SpreadOfWriters = 0x9E3779B97F4A7C15;

    private readonly VerifyRun _run;
    private readonly BlockBackend _backend;
    private readonly int _writer;
    private readonly Memory<byte> _block;
    private readonly byte[] _expected;
    private ulong _random;

    /// <summary>The loop of the writer <paramref name="writer"/>.</summary>
    public VerifyWorker(VerifyRun run, BlockBackend backend, BenchLoad load, int writer)
    {
        _run = run;
        _backend = backend;
        _writer = writer;
        _block = AlignedBuffer.Allocate(load.SizeBytes, BufferAlignmentBytes);
        _expected = new byte[load.SizeBytes];
        _random = unchecked((load.Seed + (ulong)writer) * SpreadOfWriters) | 1;
    }

    /// <summary>How many blocks it has written.</summary>
    public long WriteCount { get; private set; }

    /// <summary>How many it has zeroed.</summary>
    public long ZeroWriteCount { get; private set; }

    /// <summary>How many it has read while others wrote.</summary>
    public long ReadCount { get; private set; }

    /// <summary>How many times it has flushed.</summary>
    public long FlushCount { get; private set; }

    /// <summary>How many blocks it has read back at the end.</summary>
    public long CheckedCount { get; private set; }

    /// <summary>Writes, zeroes, reads and flushes until the run has no more.</summary>
    public async Task LoadAsync()
    {
        AioContext context = AioContext.Current!;
        long startNs = context.NowNs;
        while (_run.TryNext(startNs, context.NowNs))
        {
            ulong choice = NextRandom() >> 32;
            if (choice % 128 == 0)
            {
                await _backend.FlushAsync();
                FlushCount++;
                continue;
            }

            int index = _run.Blocks.Claim(Next(_run.Blocks.Count));
            VerifyStamp stamp = _run.Blocks.StampOf(index);
            bool isRead = stamp.Version > 0 && choice % 2 == 0;
            if (isRead)
            {
                await CheckAsync(stamp);
                ReadCount++;
            }
            else
            {
                stamp = stamp with { Version = stamp.Version + 1, Writer = _writer, IsZero = choice % 16 == 1 };
                await WriteAsync(stamp, isDurable: choice % 32 == 3);
            }

            _run.Blocks.Release(index, stamp);
        }
    }

    /// <summary>Reads back everything that was written, each block by one of the workers.</summary>
    public async Task CheckAsync()
    {
        while (_run.TryNextChecked(out int index))
        {
            if (_run.Blocks.StampOf(index) is { Version: > 0 } stamp)
            {
                await CheckAsync(stamp);
                CheckedCount++;
            }
        }
    }

    private async Task WriteAsync(VerifyStamp stamp, bool isDurable)
    {
        RequestFlags flags = isDurable ? RequestFlags.Fua : RequestFlags.None;
        if (stamp.IsZero)
        {
            await _backend.WriteZeroesAsync(stamp.Offset, _block.Length, flags | RequestFlags.MayUnmap);
            ZeroWriteCount++;
            return;
        }

        stamp.Fill(_block.Span);
        await _backend.WriteAsync(stamp.Offset, _block, flags);
        WriteCount++;
    }

    private async Task CheckAsync(VerifyStamp stamp)
    {
        // What is not filled must not pass for what was read.
        _block.Span.Fill(0xEE);
        await _backend.ReadAsync(stamp.Offset, _block);
        stamp.Fill(_expected);
        if (!_block.Span.SequenceEqual(_expected))
        {
            throw new BlockException(BlockErrorKind.InputOutput, stamp.Explain(_block.Span));
        }
    }

    private int Next(int bound) => (int)Math.BigMul(NextRandom(), (ulong)bound, out _);

    // Marsaglia's xorshift with a multiplication behind it.
    private ulong NextRandom()
    {
        unchecked
        {
            _random ^= _random >> 12;
            _random ^= _random << 25;
            _random ^= _random >> 27;
            return _random * 0x2545F4914F6CDD1DUL;
        }
    }
}
