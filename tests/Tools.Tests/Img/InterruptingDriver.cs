using BlockGraph.TestKit;

namespace BlockGraph.Tools.Tests.Img;

/// <summary>A filter at which a person interrupts the command: on the way of one request, which is passed on all the same.</summary>
/// <param name="atRequest">Which request, from 1 on; reads, writes, zero-writes and discards are counted.</param>
/// <param name="interrupt">Interrupts it.</param>
internal sealed class InterruptingDriver(int atRequest, Action interrupt) : PassThroughDriver
{
    private int _count;

    public override string Name => "interrupting";

    /// <summary>True once that request has come.</summary>
    public bool HasInterrupted => _count >= atRequest;

    protected override void OnRequest()
    {
        if (++_count == atRequest)
        {
            interrupt();
        }
    }
}
