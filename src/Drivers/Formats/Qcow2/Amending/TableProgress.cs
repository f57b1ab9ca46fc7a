namespace BlockGraph.Drivers.Formats.Qcow2.Amending;

/// <summary>Tells how far an image is, by the L2 tables that its L1 tables have room for: a step each, but for the last, after which the header is left to do.</summary>
/// <param name="progress">Is told how far it is, of one.</param>
/// <param name="tableCount">How many there are in all.</param>
internal sealed class TableProgress(IProgress<double>? progress, long tableCount)
{
    private long _doneCount;

    /// <summary>So many are done.</summary>
    public void Reach(long doneCount)
    {
        while (_doneCount < Math.Min(doneCount, tableCount - 1))
        {
            _doneCount++;
            progress?.Report((double)_doneCount / tableCount);
        }
    }
}
