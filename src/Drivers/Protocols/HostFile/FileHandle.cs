using BlockGraph.BlockCore.Errors;
using OpenFile = BlockGraph.BlockCore.Scheduling.HostFile;

namespace BlockGraph.Drivers.Protocols.HostFile;

/// <summary>
/// An open file and the jobs that use it: one that was replaced is closed when its last job is back. Permissions change on the main
/// context while jobs begin on any other, so the count is shared.
/// </summary>
internal sealed class FileHandle(OpenFile file)
{
    // The jobs, and one for the instance that owns the handle; at zero the file is closed, and stays so.
    private int _useCount = 1;

    public OpenFile File { get; } = file;

    /// <summary>True where no job uses the file.</summary>
    public bool IsIdle => Volatile.Read(ref _useCount) <= 1;

    /// <summary>A job is about to use the file; false where it was replaced meanwhile, and another is to be used.</summary>
    public bool TryBegin()
    {
        int count = Volatile.Read(ref _useCount);
        while (count > 0)
        {
            int seen = Interlocked.CompareExchange(ref _useCount, count + 1, count);
            if (seen == count)
            {
                return true;
            }

            count = seen;
        }

        return false;
    }

    /// <summary>A job is back.</summary>
    public void End()
    {
        int count = Interlocked.Decrement(ref _useCount);
        Invariant.Check(count >= 0);
        if (count == 0)
        {
            File.Dispose();
        }
    }

    /// <summary>No new job uses the file: it is closed now, or by the last one.</summary>
    public void Retire() => End();
}
