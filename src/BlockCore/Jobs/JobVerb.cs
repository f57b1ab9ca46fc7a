namespace BlockGraph.BlockCore.Jobs;

/// <summary>What a user may tell a job to do. <i>QEMU: JobVerb.</i></summary>
public enum JobVerb
{
    /// <summary>End without effect, or as soon as it may.</summary>
    Cancel,

    /// <summary>Rest until told to resume.</summary>
    Pause,

    /// <summary>Go on.</summary>
    Resume,

    /// <summary>Work at another speed.</summary>
    SetSpeed,

    /// <summary>Finish what it keeps up.</summary>
    Complete,

    /// <summary>Make the group's work final.</summary>
    Finalize,

    /// <summary>Forget the job and its result.</summary>
    Dismiss,
}

/// <summary>The names of verbs.</summary>
public static class JobVerbExtensions
{
    private static readonly string[] s_names = ["cancel", "pause", "resume", "set-speed", "complete", "finalize", "dismiss"];

    /// <summary>The verb as messages spell it.</summary>
    public static string ToText(this JobVerb verb) => s_names[(int)verb];
}
