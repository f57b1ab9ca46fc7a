using BlockGraph.BlockCore.Errors;
using OpenFile = BlockGraph.BlockCore.Scheduling.HostFile;

namespace BlockGraph.Drivers.Protocols.HostFile;

/// <summary>
/// An open file and the jobs that use it: one that was replaced is closed when its last job is back. The node's context counts.
/// </summary>
internal sealed class FileHandle(OpenFile file)
{
    private int _jobCount;
    private bool _isRetired;

    public OpenFile File { get; } = file;

    /// <summary>True where no job uses the file.</summary>
    public bool IsIdle => _jobCount == 0;

    /// <summary>A job is about to use the file.</summary>
    public void Begin()
    {
        Invariant.Check(!_isRetired);
        _jobCount++;
    }

    /// <summary>A job is back.</summary>
    public void End()
    {
        if (--_jobCount == 0 && _isRetired)
        {
            File.Dispose();
        }
    }

    /// <summary>No new job uses the file: it is closed now, or by the last one.</summary>
    public void Retire()
    {
        _isRetired = true;
        if (_jobCount == 0)
        {
            File.Dispose();
        }
    }
}
