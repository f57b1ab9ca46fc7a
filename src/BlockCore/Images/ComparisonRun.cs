using BlockGraph.BlockCore.Backend;
using BlockGraph.BlockCore.Io;
using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Images;

/// <summary>One comparison under way, on the first image's context.</summary>
/// <remarks>What both know to be zeros is not read; what one does is looked for in the other. Each piece is read from both at once.</remarks>
internal sealed class ComparisonRun(BlockBackend first, BlockBackend second, ImageComparisonOptions options, IProgress<ImageProgress>? progress, CancellationToken cancel)
{
    // Both pieces stay in a core's cache until they are compared.
    private const int PieceBytes = 256 << 10;
    private const int SectorBytes = 512;
    private const int ImmediateCountMax = 32;
    private const long ReportBytes = 2 << 20;

    private readonly ComparisonSide _first = new(first, options.FirstName, QueryOf(options));
    private readonly ComparisonSide _second = new(second, options.SecondName, QueryOf(options));
    private readonly AioContext _context = first.Context;
    private Memory<byte> _firstBuffer;
    private Memory<byte> _secondBuffer;

    private long CommonBytes => Math.Min(_first.LengthBytes, _second.LengthBytes);

    private long TotalBytes => Math.Max(_first.LengthBytes, _second.LengthBytes);

    private long ExtentEnd => Math.Min(_first.KnownEnd > 0 ? _first.KnownEnd : long.MaxValue, _second.KnownEnd > 0 ? _second.KnownEnd : long.MaxValue);

    private static BlockStatusQuery QueryOf(ImageComparisonOptions options) =>
        BlockStatusQuery.Allocation | BlockStatusQuery.Zeroes | (options is { IsStrict: true, ComparesWholeStatus: true } ? BlockStatusQuery.Offset : 0);

    /// <summary>Compares.</summary>
    public async Task<ImageComparisonResult> RunAsync()
    {
        bool lengthsDiffer = _first.LengthBytes != _second.LengthBytes;
        if (lengthsDiffer && options.IsStrict)
        {
            return new ImageComparisonResult(ImageDifference.Length, CommonBytes, true);
        }

        int alignment = Math.Max(4096, Math.Max(_first.MemoryAlignmentBytes, _second.MemoryAlignmentBytes));
        _firstBuffer = AlignedBuffer.Allocate(PieceBytes, alignment);
        _secondBuffer = AlignedBuffer.Allocate(PieceBytes, alignment);
        if (TotalBytes > 0)
        {
            Report(0);
        }

        long offset = 0;
        long reported = 0;
        for (int count = 1; offset < TotalBytes; count++)
        {
            cancel.ThrowIfCancellationRequested();
            if (count % ImmediateCountMax == 0)
            {
                await _context.YieldAsync();
            }

            (long length, ImageDifference difference, long at) = offset < CommonBytes ? await CompareAsync(offset) : await CheckRestAsync(offset);
            if (difference != ImageDifference.None)
            {
                return new ImageComparisonResult(difference, at, lengthsDiffer);
            }

            offset += length;
            if (offset >= reported + ReportBytes || offset >= ExtentEnd || offset >= TotalBytes)
            {
                Report(offset);
                reported = offset;
            }
        }

        return new ImageComparisonResult(ImageDifference.None, 0, lengthsDiffer);
    }

    private async ValueTask<(long Length, ImageDifference Difference, long At)> CompareAsync(long offset)
    {
        await _first.LookAsync(offset, cancel);
        await _second.LookAsync(offset, cancel);
        if (options.IsStrict && (options.ComparesWholeStatus ? _first.Flags != _second.Flags : _first.IsZero != _second.IsZero || _first.IsAllocated != _second.IsAllocated))
        {
            return (0, ImageDifference.Allocation, offset);
        }

        long length = Math.Min(CommonBytes, Math.Min(_first.KnownEnd, _second.KnownEnd)) - offset;
        if (_first.IsZero && _second.IsZero)
        {
            return (length, ImageDifference.None, 0);
        }

        // Up to a multiple of the pieces, so that files are read in whole pages.
        length = Math.Min(length, PieceBytes - (offset % PieceBytes));
        Memory<byte> left = _firstBuffer[..(int)length];
        Memory<byte> right = _secondBuffer[..(int)length];
        if (_first.IsZero || _second.IsZero)
        {
            Memory<byte> read = _first.IsZero ? right : left;
            await (_first.IsZero ? _second : _first).ReadAsync(offset, read, cancel);
            return Judge(offset, (int)length, read.Span.IndexOfAnyExcept((byte)0));
        }

        await ReadBothAsync(offset, left, right);
        int common = left.Span.CommonPrefixLength(right.Span);
        return Judge(offset, (int)length, common == length ? -1 : common);
    }

    // Nothing may be under way when a failure is told: both are waited for.
    private Task ReadBothAsync(long offset, Memory<byte> left, Memory<byte> right) =>
        Task.WhenAll(_first.ReadAsync(offset, left, cancel).AsTask(), _second.ReadAsync(offset, right, cancel).AsTask());

    // Behind the end of the shorter image.
    private async ValueTask<(long Length, ImageDifference Difference, long At)> CheckRestAsync(long offset)
    {
        ComparisonSide longer = _first.LengthBytes > _second.LengthBytes ? _first : _second;
        await longer.LookAsync(offset, cancel);
        long length = Math.Min(longer.LengthBytes, longer.KnownEnd) - offset;
        if (longer.IsZero || !longer.IsAllocated)
        {
            return (length, ImageDifference.None, 0);
        }

        length = Math.Min(length, PieceBytes - (offset % PieceBytes));
        Memory<byte> piece = _firstBuffer[..(int)length];
        await longer.ReadAsync(offset, piece, cancel);
        return Judge(offset, (int)length, piece.Span.IndexOfAnyExcept((byte)0));
    }

    private static (long Length, ImageDifference Difference, long At) Judge(long offset, int length, int at) =>
        at < 0 ? (length, ImageDifference.None, 0) : (length, ImageDifference.Content, (offset + at) / SectorBytes * SectorBytes);

    private void Report(long offset) => progress?.Report(new ImageProgress(offset, TotalBytes));
}
