using BlockGraph.BlockCore.Errors;
using BlockGraph.BlockCore.Events;

namespace BlockGraph.BlockCore.Jobs;

/// <summary>What a job does when a request fails. <i>QEMU: BlockdevOnError.</i></summary>
public enum JobErrorPolicy
{
    /// <summary>It fails with the error.</summary>
    Report,

    /// <summary>It goes on as if nothing had happened.</summary>
    Ignore,

    /// <summary>It rests where the storage is full, and fails otherwise.</summary>
    NoSpace,

    /// <summary>It rests until a user resumes it, and then tries again.</summary>
    Stop,

    /// <summary>For jobs the same as <see cref="NoSpace"/>.</summary>
    Auto,
}

/// <summary>What policies come to.</summary>
internal static class JobErrorPolicyExtensions
{
    /// <summary>What is done about an error of <paramref name="kind"/>.</summary>
    public static BlockErrorAction ActionOn(this JobErrorPolicy policy, BlockErrorKind kind) => policy switch
    {
        JobErrorPolicy.Ignore => BlockErrorAction.Ignore,
        JobErrorPolicy.Stop => BlockErrorAction.Stop,
        JobErrorPolicy.NoSpace or JobErrorPolicy.Auto when kind == BlockErrorKind.NoSpace => BlockErrorAction.Stop,
        _ => BlockErrorAction.Report,
    };
}
