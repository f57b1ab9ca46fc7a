using BlockGraph.BlockCore.Scheduling;

namespace BlockGraph.BlockCore.Images;

/// <summary>
/// The slots of one context. The first begins at once, each other only when a request of the one before it is seen to wait: where the loop itself carries requests out there is nothing to
/// overlap with, and what was just read is written while a core's cache still has it.
/// </summary>
internal sealed class ConversionLane(ConversionRun run, AioContext context, int slotCount)
{
    private readonly List<Task> _slots = [];

    // A slot may begin the next one before its own task is known.
    private int _begunCount;

    /// <summary>Whose slots they are.</summary>
    public AioContext Context => context;

    /// <summary>Begins one more slot, where there may be one. At home.</summary>
    public void Begin()
    {
        if (_begunCount < slotCount && !run.HasFailed)
        {
            _begunCount++;
            _slots.Add(RunSlotAsync());
        }
    }

    /// <summary>Converts until no slot finds a chunk any more. At home.</summary>
    public async Task RunAsync()
    {
        Begin();

        // One may begin another until it ends. Their failures are looked at when all have ended.
        for (int i = 0; i < _slots.Count; i++)
        {
            await Task.WhenAny(_slots[i]);
        }

        await Task.WhenAll(_slots);
    }

    // A slot that fails ends the others, too: those that wait for their turn leave.
    private async Task RunSlotAsync()
    {
        bool hasEnded = false;
        try
        {
            await new ConversionSlot(run, new ConversionProbe(this)).RunAsync();
            hasEnded = true;
        }
        finally
        {
            if (!hasEnded)
            {
                run.GiveUp();
            }
        }
    }
}
