namespace BlockGraph.BlockCore.Scheduling;

/// <summary>Work that becomes ready at an instant of its context's clock. Arm and disarm it at home. <i>QEMU: QEMUTimer.</i></summary>
public abstract class AioTimer : AioWork
{
    /// <summary>When it fires, in nanoseconds of the context's clock. Meaningful while armed.</summary>
    internal long DueNs;

    /// <summary>Where it stands in its context's heap; -1 while not armed.</summary>
    internal int HeapIndex = -1;

    /// <summary>The order of arming, which breaks ties.</summary>
    internal long Sequence;

    /// <summary>True from arming until it is due. One that is due is on its way: it runs even where it is disarmed or armed anew before.</summary>
    public bool IsArmed => HeapIndex >= 0;
}
