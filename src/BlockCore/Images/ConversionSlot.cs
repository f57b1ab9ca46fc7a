using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Io;

namespace BlockGraph.BlockCore.Images;

/// <summary>Converts one chunk after the other, in a buffer of its own, beside other slots.</summary>
internal sealed class ConversionSlot(ConversionRun run, ConversionProbe probe)
{
    private const int SectorBytes = 512;

    private Memory<byte> _buffer;

    /// <summary>Converts until there is no chunk left or something has failed.</summary>
    public async Task RunAsync()
    {
        while (await run.TakeAsync() is (ConversionChunk chunk, long number))
        {
            bool isOffloaded = chunk.Kind == ConversionKind.Data && run.IsOffloading;
            if (!isOffloaded)
            {
                probe.Begin();
                await FillAsync(chunk);
                probe.End();
            }

            await probe.Leave(run.Plan.WriteContext).SwitchTo();
            if (!await run.WaitForTurnAsync(number, chunk))
            {
                return;
            }

            probe.Begin();
            if (!isOffloaded || !await TryOffloadAsync(chunk))
            {
                if (isOffloaded)
                {
                    await FillAsync(chunk);
                }

                await WriteAsync(chunk);
            }

            probe.End();
            run.EndTurn(chunk);
            await probe.ComeBack().SwitchTo();
        }
    }

    private bool IsZeroWrite(ConversionChunk chunk) => chunk.Kind == ConversionKind.Zero && !run.Plan.WritesZeroesAsData;

    private Memory<byte> Buffer(ConversionChunk chunk)
    {
        if (_buffer.IsEmpty)
        {
            _buffer = AlignedBuffer.Allocate(run.Plan.ChunkBytes, run.Plan.MemoryAlignmentBytes);
        }

        return _buffer[..(int)chunk.LengthBytes];
    }

    private async ValueTask FillAsync(ConversionChunk chunk)
    {
        if (IsZeroWrite(chunk))
        {
            return;
        }

        Memory<byte> buffer = Buffer(chunk);
        if (chunk.Kind == ConversionKind.Zero)
        {
            buffer.Span.Clear();
            return;
        }

        try
        {
            await ReadAsync(chunk, 0, buffer);
        }
        catch (BlockException) when (run.Plan.Options.IsSalvaging)
        {
            await SalvageAsync(chunk, buffer);
        }
        catch (BlockException error)
        {
            throw error.Prefixed($"error while reading at byte {chunk.TargetOffset}: ");
        }
    }

    private ValueTask ReadAsync(ConversionChunk chunk, int start, Memory<byte> buffer) => chunk.Following is null
        ? chunk.Source.ReadAsync(chunk.SourceOffset + start, buffer, RequestFlags.None, run.Cancel)
        : ReadAcrossAsync([chunk.Source, .. chunk.Following], chunk.SourceOffset + start, buffer);

    private async ValueTask ReadAcrossAsync(IReadOnlyList<BlockBackend> sources, long offset, Memory<byte> buffer)
    {
        for (int i = 0; !buffer.IsEmpty; i++)
        {
            int length = (int)Math.Clamp(sources[i].LengthBytes - offset, 0, buffer.Length);
            if (length > 0)
            {
                await sources[i].ReadAsync(offset, buffer[..length], RequestFlags.None, run.Cancel);
                buffer = buffer[length..];
            }

            offset = Math.Max(0, offset - sources[i].LengthBytes);
        }
    }

    // Sector by sector; neighbours that fail alike are told of as one.
    private async ValueTask SalvageAsync(ConversionChunk chunk, Memory<byte> buffer)
    {
        UnreadableRange? lost = null;
        for (int done = 0; done < buffer.Length;)
        {
            int step = Math.Min(SectorBytes, buffer.Length - done);
            try
            {
                await ReadAsync(chunk, done, buffer.Slice(done, step));
            }
            catch (BlockException error)
            {
                buffer.Span.Slice(done, step).Clear();
                lost = Extend(lost, chunk.TargetOffset + done, step, error);
            }

            done += step;
        }

        if (lost is not null)
        {
            run.CountUnreadable(lost);
        }
    }

    private UnreadableRange Extend(UnreadableRange? lost, long offset, int length, BlockException error)
    {
        if (lost is null)
        {
            return new UnreadableRange(offset, length, error);
        }

        if (lost.OffsetBytes + lost.LengthBytes == offset && lost.Error.Message == error.Message)
        {
            return lost with { LengthBytes = lost.LengthBytes + length };
        }

        run.CountUnreadable(lost);
        return new UnreadableRange(offset, length, error);
    }

    // Whatever it is that the drivers refuse: reading and writing tells what is wrong, if anything is.
    private async ValueTask<bool> TryOffloadAsync(ConversionChunk chunk)
    {
        try
        {
            await chunk.Source.CopyRangeAsync(chunk.SourceOffset, run.Target, chunk.TargetOffset, chunk.LengthBytes, RequestFlags.NoFallback, run.Cancel);
            run.CountOffloaded(chunk.LengthBytes);
            return true;
        }
        catch (BlockException)
        {
            run.IsOffloading = false;
            return false;
        }
    }

    private async ValueTask WriteAsync(ConversionChunk chunk)
    {
        if (IsZeroWrite(chunk))
        {
            await run.ZeroAsync(chunk.TargetOffset, chunk.LengthBytes);
            return;
        }

        Memory<byte> buffer = Buffer(chunk);
        for (int done = 0; done < buffer.Length;)
        {
            (int length, bool isZero) = RunAt(buffer.Span[done..], chunk.TargetOffset + done);
            if (isZero)
            {
                await run.ZeroAsync(chunk.TargetOffset + done, length);
            }
            else
            {
                await WriteDataAsync(chunk.TargetOffset + done, buffer.Slice(done, length));
            }

            done += length;
        }
    }

    // What is compressed is so by whole clusters, which are zeros or not.
    private (int LengthBytes, bool IsZero) RunAt(ReadOnlySpan<byte> bytes, long offset)
    {
        ConversionPlan plan = run.Plan;
        return plan.WritesZeroesAsData ? (bytes.Length, false)
            : plan.Options.IsCompressed ? ZeroRuns.First(bytes, offset, plan.UnitBytes, 1)
            : ZeroRuns.First(bytes, offset, plan.DetectionBytes, plan.Options.SparseBytesMin);
    }

    private async ValueTask WriteDataAsync(long offset, Memory<byte> data)
    {
        try
        {
            await run.Target.WriteAsync(offset, data, IsCompressible(offset, data.Length) ? RequestFlags.WriteCompressed : RequestFlags.None, run.Cancel);
            run.CountData(data.Length);
        }
        catch (BlockException error)
        {
            throw error.Prefixed($"error while writing at byte {offset}: ");
        }
    }

    private bool IsCompressible(long offset, int length)
    {
        ConversionPlan plan = run.Plan;
        return plan.Options.IsCompressed && offset % plan.UnitBytes == 0 && ((offset + length) % plan.UnitBytes == 0 || offset + length == run.Target.LengthBytes);
    }
}
