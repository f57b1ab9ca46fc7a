using BlockGraph.BlockCore.Errors;

namespace BlockGraph.BlockCore.Scheduling.Linux;

/// <summary>The runs that the kernel is carrying out, by a number that it gives back with the end of each.</summary>
internal sealed class RunTickets
{
    private TransferRun?[] _runs = new TransferRun?[64];
    private int[] _free = new int[64];
    private int _freeCount;
    private int _usedCount;

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>Gives <paramref name="run"/> a number.</summary>
    public int Take(TransferRun run)
    {
        int ticket = _freeCount > 0 ? _free[--_freeCount] : _usedCount++;
        if (ticket == _runs.Length)
        {
            Array.Resize(ref _runs, ticket * 2);
            Array.Resize(ref _free, ticket * 2);
        }

        _runs[ticket] = run;
        Count++;
        return ticket;
    }

    /// <summary>The run with the number <paramref name="ticket"/>, which is free again.</summary>
    public TransferRun Return(int ticket)
    {
        TransferRun? run = _runs[ticket];
        if (run is null)
        {
            Invariant.Fail("the kernel reports the end of what was not begun");
        }

        _runs[ticket] = null;
        _free[_freeCount++] = ticket;
        Count--;
        return run!;
    }
}
