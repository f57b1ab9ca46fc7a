using BlockGraph.BlockCore.Crypto;
using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Tests.Crypto;

/// <summary>A LUKS area in memory: it counts its calls, fails the one it is told to, and keeps what a loss of power would leave after each write.</summary>
internal sealed class MemoryLuksArea(byte[] bytes) : ILuksArea
{
    /// <summary>The call that fails, counted from 1; 0 for none.</summary>
    public int FailingCall { get; set; }

    /// <summary>From it on all fail.</summary>
    public bool FailsForGood { get; set; }

    public int CallCount { get; private set; }

    /// <summary>The contents after each half of each write, in order.</summary>
    public List<byte[]> AfterPowerCuts { get; } = [];

    public byte[] Bytes { get; } = bytes;

    public long LengthBytes => Bytes.Length;

    public ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancel)
    {
        Count();
        Bytes.AsMemory((int)offset, buffer.Length).CopyTo(buffer);
        return default;
    }

    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> data, CancellationToken cancel)
    {
        Count();
        // A sector is written or not; any number of them may be.
        const int Sector = SectorCipher.SectorBytes;
        int half = Math.Min(data.Length, Math.Max(Sector, data.Length / 2 / Sector * Sector));
        data.Span[..half].CopyTo(Bytes.AsSpan((int)offset));
        AfterPowerCuts.Add([.. Bytes]);
        data.Span[half..].CopyTo(Bytes.AsSpan((int)offset + half));
        AfterPowerCuts.Add([.. Bytes]);
        return default;
    }

    public ValueTask FlushAsync(CancellationToken cancel)
    {
        Count();
        return default;
    }

    private void Count()
    {
        CallCount++;
        if (CallCount == FailingCall || (FailsForGood && FailingCall > 0 && CallCount > FailingCall))
        {
            throw new BlockException(BlockErrorKind.InputOutput, "failed on purpose");
        }
    }
}
